"""Workers from a Ray cluster of two nodes: who is placed where, what they must agree on, how the pool grows."""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray_nodes import Nodes, ray_nodes
from ray_tricks import Meet, Meeting, Where

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.run.executors.pool import TaskLimits, WorkerPool
from bench_lipsync.harness.run.executors.ray_backend import environment_check
from bench_lipsync.harness.run.executors.ray_backend.cluster import RayOptions, environment, import_ray
from bench_lipsync.harness.run.executors.ray_backend.environment_check import EnvironmentFingerprint
from bench_lipsync.harness.run.executors.ray_backend.workers import RaySource
from bench_lipsync.harness.store.store import Store

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with ray_nodes() as made:
        yield made


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pool(
    nodes: Nodes, setup: Meeting | None = None, files: tuple[Path, ...] = (), **options: float | int
) -> WorkerPool:
    source = RaySource(setup or Meeting(), RayOptions(nodes.address, **options), Store(), files=files)
    return WorkerPool(source, TaskLimits())


def busy(made: WorkerPool) -> int:
    return sum(doing.stage == "meet" for doing in made.active())


def finish(made: WorkerPool, tasks: list[Meet], running: int = 0) -> list[Where]:
    """Give `tasks` out as there is room, and wait for them and for those that are `running` already."""
    waiting, done = list(tasks), []
    while waiting or running:
        while waiting and made.free_slots() > 0:
            made.submit(waiting.pop(0))
            running += 1
        if finished := made.wait(0.5):
            done.append(finished.result)
            running -= 1
    return sorted(done)


def test_both_nodes_work_and_nothing_is_left(nodes: Nodes, tmp_path: Path, cache: Path) -> None:
    with pool(nodes, files=(Path(__file__), tmp_path)) as made:
        done = finish(made, [Meet(number, tmp_path, many=4) for number in range(8)])
        assert nodes.workers()
    assert [where.number for where in done] == list(range(8))
    assert len({where.node for where in done}) == 2 and len({where.pid for where in done}) == 4
    assert {where.cache for where in done} == {str(cache)} and {where.threads for where in done} == {"1"}
    assert {where.visible for where in done} == {""}, "a worker that asked for no GPU sees none"
    assert not nodes.workers() and not list(cache.rglob("*.json")), "the notes to one another are gone"


def test_fractions_of_a_gpu_never_span_two(nodes: Nodes, tmp_path: Path) -> None:
    """Made-up GPUs, one a node; a node has room for two halves, whatever number of cores is left."""
    with pool(nodes, gpus=0.5, cpus=0.25) as made:
        done = finish(made, [Meet(number, tmp_path, many=4) for number in range(4)])
    assert len({where.pid for where in done}) == 4
    assert set(Counter(where.node for where in done).values()) == {2}
    assert all(len(where.gpus) == 1 and where.visible == where.gpus[0] for where in done)


def test_no_more_workers_than_asked(nodes: Nodes, tmp_path: Path) -> None:
    with pool(nodes, workers=1) as made:
        assert made.free_slots() == 1
        assert len({where.pid for where in finish(made, [Meet(number, tmp_path) for number in range(4)])}) == 1


def test_a_node_that_joins_gets_work_at_once(nodes: Nodes, tmp_path: Path) -> None:
    """Five tasks that wait for one another need a fifth worker; two nodes have room for four."""
    tasks = [Meet(number, tmp_path, many=5) for number in range(5)]
    with pool(nodes) as made:
        given = 0
        while busy(made) < 4:
            while given < 5 and made.free_slots() > 0:
                made.submit(tasks[given])
                given += 1
            made.wait(0.5)
        assert made.wait(1.0) is None and busy(made) == 4
        added = nodes.add()
        try:
            done = finish(made, tasks[given:], running=given)
        finally:
            nodes.remove(added, graceful=True)
    assert sorted(where.number for where in done) == list(range(5))
    assert len({where.node for where in done}) == 3


def test_a_node_that_joins_and_differs_takes_no_part(
    nodes: Nodes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The others go on: two weeks of work must not end because a machine with another installation came."""
    (tmp_path / "sitecustomize.py").write_text("import platform\nplatform.python_version = lambda: '3.0.0'\n")
    marks = tmp_path / "marks"
    marks.mkdir()
    logging.getLogger("bench_lipsync").propagate = True
    with pool(nodes) as made:
        for number in range(5):  # The fifth finds no room on the first two nodes; all wait for a sixth that is us.
            made.submit(Meet(number, marks, many=6 if number < 4 else 1))
        while busy(made) < 4:
            made.wait(0.5)
        added = nodes.add(env_vars={"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])})
        try:
            while "takes no part" not in caplog.text:
                assert made.wait(0.5) is None
            (marks / "began-us").touch()
            (marks / "began-too").touch()
            done = [finished.result for finished in (made.wait() for _ in range(5)) if finished]
        finally:
            nodes.remove(added, graceful=True)
    assert len({where.node for where in done}) == 2
    assert "Python 3.0.0 instead of" in caplog.text


def test_workers_that_differ_from_the_start_end_the_run(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {**environment_check.versions(), "torch": "0.1"}
    monkeypatch.setattr(environment_check, "versions", lambda: here)
    with pytest.raises(BenchError, match=r"torch .* instead of 0\.1.*constraints\.txt"), pool(nodes) as made:
        finish(made, [Meet(0, tmp_path)])
    assert not nodes.workers()


def test_the_hash_of_the_code_covers_the_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = environment_check._code_hash()
    monkeypatch.setattr(environment_check, "_CODE", ("harness",))
    engine = environment_check._code_hash()
    monkeypatch.setattr(environment_check, "_CODE", ())
    assert len({whole, engine, environment_check._code_hash()}) == 3


def test_what_must_be_the_same_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"1234")
    terms = EnvironmentFingerprint.here(Store(), [clip, tmp_path, tmp_path / "none"])
    assert Store().file(terms.check("node-b")).is_dir(), "the answer lies in the store"
    clip.write_bytes(b"1235")
    with pytest.raises(BenchError, match=r"clip\.mp4 is a file of 4 bytes .* on node-b, and a file of 4 bytes"):
        terms.check("node-b")
    clip.unlink()
    with pytest.raises(BenchError, match=r"clip\.mp4 is not there on node-b"):
        terms.check("node-b")
    clip.write_bytes(b"1234")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "another"))
    with pytest.raises(BenchError, match=r"node-b does not see the run's store .*BENCH_CACHE.*BENCH_STORE"):
        terms.check("node-b")


def test_relative_paths_mean_the_same_on_every_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    terms = EnvironmentFingerprint.here(Store(), [Path("data")])
    monkeypatch.chdir("/")
    terms.check("node-b")
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize(
    ("options", "words"),
    [({"gpus": 1.5}, "--gpus-per-worker 1.5"), ({"gpus": -1.0}, "-1"), ({"cpus": 0.0}, "--cpus-per-worker 0"),
     ({"workers": 0}, "--workers 0")],
)  # fmt: skip
def test_shares_that_ray_cannot_give_are_refused(options: dict[str, float], words: str) -> None:
    with pytest.raises(BenchError, match=words):
        RayOptions(**options)


def test_workers_get_settings_and_no_secrets(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("BENCH_STORE", "s3://bucket/prefix")
    passed = environment(gpus=True)
    assert passed["BENCH_STORE"] == "s3://bucket/prefix" and passed["BENCH_CACHE"] == str(cache)
    assert passed["OMP_NUM_THREADS"] == "1" and "CUDA_VISIBLE_DEVICES" not in passed
    assert "AWS_SECRET_ACCESS_KEY" not in passed


def test_without_ray_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BenchError, match=r"pip install 'bench-lipsync\[ray\]'"):
        import_ray()
