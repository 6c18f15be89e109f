"""What a run on a Ray cluster survives: lost workers, lost machines, limits, and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from ray_nodes import Nodes, ray_nodes
from results_digest import differences
from small_world import entries, full_command, left_over, make_clips, words
from tests_tricks import Trick, Tricks

from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.run.executors.pool import TaskLimits, WorkerPool
from bench_lipsync.harness.run.executors.ray_backend.cluster import RayOptions
from bench_lipsync.harness.run.executors.ray_backend.workers import RaySource
from bench_lipsync.harness.store.store import Store

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

SIGNALS = [signal.SIGINT, *([signal.SIGTERM, signal.SIGKILL] if os.environ.get("BENCH_FAULTS") == "full" else [])]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with ray_nodes(cpus=1, gpus=0) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clips(tmp_path_factory.mktemp("clips"), count=4)


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """Runs that are ended in any case."""
    runs: list[subprocess.Popen[str]] = []
    yield runs
    for run in runs:
        run.kill()
        run.wait()


def ray_run(nodes: Nodes, clips: Path, world: Path, *more: str) -> subprocess.Popen[str]:
    """The run of `words` on the cluster, with a store of its own in `world`."""
    arguments = [word for word in words(clips, world / "out") if word not in ("--executor", "local")]
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return full_command([*arguments, "--executor", "ray", "--address", nodes.address, *more], world / "cache", **how)


def made(cache: Path) -> dict[str, int]:
    """Results in the store, without the notes of workers that start."""
    return {name: inode for name, inode in entries(cache).items() if not name.startswith("meeting/")}


def wait_for(what: Callable[[], object], run: subprocess.Popen[str], seconds: float = 280) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert run.poll() is None, run.communicate()[0]
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.25)


def busy(nodes: Nodes) -> list[psutil.Process]:
    """Our actors that are doing something: Ray shows the method in the process's title."""
    return [process for process in nodes.workers() if "TaskActor.do" in " ".join(process.cmdline())]


def test_a_killed_worker_and_a_lost_machine_change_nothing(
    nodes: Nodes, clips: Path, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    added = nodes.add()
    run = ray_run(nodes, clips, tmp_path / "ray")
    started.append(run)
    cache = tmp_path / "ray/cache"
    wait_for(lambda: made(cache) and busy(nodes), run)
    before = made(cache)
    busy(nodes)[0].kill()
    wait_for(lambda: len(made(cache)) > len(before) + 2, run)
    there = made(cache)
    nodes.remove(added)  # Its processes are killed like those of a machine without power.
    said = run.communicate(timeout=280)[0]
    assert run.returncode == 0, said
    reference = full_command(words(clips, tmp_path / "one/out"), tmp_path / "one/cache")
    started.append(reference)
    assert reference.wait(timeout=280) == 0
    after = made(cache)
    assert {name: after.get(name) for name in there} == there, "what was finished was not made again"
    assert not differences(tmp_path / "one/out", tmp_path / "ray/out")
    assert "Traceback" not in said and "raylet" not in said
    log = (tmp_path / "ray/out/log.txt").read_text()
    assert "was killed or crashed while it did" in log
    assert json.loads((tmp_path / "ray/out/run.json").read_text())["status"] == "complete"
    assert not nodes.workers()


def test_limits_end_in_typed_statuses(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    limits = TaskLimits(seconds=8, memory=450 << 20, retries=1)
    tricks = [Trick("hang", 0), Trick("eat", 1), Trick("die", 2), Trick("die-once", 3, tmp_path), Trick("no-face", 4)]
    ended: dict[int, object] = {}
    with WorkerPool(RaySource(Tricks(), RayOptions(nodes.address), Store(), memory=limits.memory), limits) as pool:
        for trick in [*tricks, Trick("wait", 5)]:
            pool.submit(trick)
        while len(ended) < 6:
            if finished := pool.wait(1.0):
                ended[finished.task.number] = finished.result
    found = [result.status.value if isinstance(result, ClipError) else "ok" for _, result in sorted(ended.items())]
    assert found == ["timeout", "memory", "worker_lost", "ok", "no_face", "ok"]
    assert "tried 2 times" in str(ended[2]) and "--clip-memory" in str(ended[1])
    assert not nodes.workers()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_run_that_is_stopped_leaves_no_actor_and_goes_on(
    nodes: Nodes, clips: Path, tmp_path: Path, number: signal.Signals, started: list[subprocess.Popen[str]]
) -> None:
    run = ray_run(nodes, clips, tmp_path)
    started.append(run)
    wait_for(lambda: made(tmp_path / "cache") and busy(nodes), run)
    os.kill(run.pid, number)
    said = run.communicate(timeout=60)[0]
    assert run.returncode != 0 and "Traceback" not in said and "SIGTERM received" not in said
    until = time.monotonic() + 30
    while nodes.workers() and time.monotonic() < until:
        time.sleep(0.2)
    assert not nodes.workers()
    if number is signal.SIGINT:
        assert not left_over(tmp_path / "cache", tmp_path / "out")
        there = made(tmp_path / "cache")
        again = ray_run(nodes, clips, tmp_path)
        started.append(again)
        said = again.communicate(timeout=280)[0]
        assert again.returncode == 0, said
        after = made(tmp_path / "cache")
        assert {name: after[name] for name in there} == there
