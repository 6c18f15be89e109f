"""Real runs on real clips: two processes give the bytes of one."""

from __future__ import annotations

from pathlib import Path

import pytest
from results_digest import results_parts

from bench_lipsync.harness.run.executors.factory import ExecutorOptions
from bench_lipsync.harness.run.executors.pool import TaskLimits
from bench_lipsync.harness.run.pipeline import RunOptions, execute
from bench_lipsync.harness.run.spec import RunSpec, make_spec

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def spec() -> RunSpec:
    """A network that generates and one that judges: both would show another number of threads."""
    return make_spec({"models": ["stylelipsync"], "dataset": "demo", "limit": 2, "metrics": ["PSNR", "LPIPS"]})


@pytest.fixture(scope="module")
def alone(spec: RunSpec, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return run(spec, tmp_path_factory.mktemp("alone"), ExecutorOptions("local"))


def fresh(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """An empty store in `folder`, with the demo clips and weights that are there already."""
    from bench_lipsync.harness.util.paths import cache_dir

    cache = folder / "cache"
    cache.mkdir()
    for name in ("assets", "demo"):
        kept = cache_dir() / name
        kept.mkdir(parents=True, exist_ok=True)
        (cache / name).symlink_to(kept, target_is_directory=True)
    patch.setenv("BENCH_CACHE", str(cache))


def run(spec: RunSpec, folder: Path, executor: ExecutorOptions) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        fresh(folder, patch)
        outcome = execute(spec, RunOptions(out=folder / "run", executor=executor))
    assert outcome.result.status == "complete" and not outcome.result.failures
    return results_parts(outcome.folder)


def test_two_processes_give_the_bytes_of_one(spec: RunSpec, alone: dict[str, str], tmp_path: Path) -> None:
    limits = TaskLimits(seconds=600, memory=8 << 30)
    assert run(spec, tmp_path, ExecutorOptions("process", 2, limits)) == alone


def test_a_limit_that_nothing_can_keep_ends_every_clip_as_a_failure(spec: RunSpec, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fresh(tmp_path, patch)
        executor = ExecutorOptions("process", 1, TaskLimits(seconds=0.01))
        outcome = execute(spec, RunOptions(out=tmp_path / "run", executor=executor))
    assert {clip.status for clip in outcome.result.clips} == {"timeout"}
    assert all(row.value is None for row in outcome.result.metrics)
