"""Two runs on one store at once, and workers that are killed: all of it ends whole, and the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from results_digest import differences, results_digest
from small_world import PATIENCE, Forks, entries, full_command, left_over, until, words

from bench_lipsync.harness.store.maintenance import entries as stored
from bench_lipsync.harness.store.maintenance import problems
from bench_lipsync.harness.store.store import Store

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
FULL = os.environ.get("BENCH_FAULTS") == "full"
SEED = 11


@pytest.fixture
def whole(undisturbed) -> Path:
    """The run folder of an undisturbed run in one process."""
    return undisturbed("--no-report").folder


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Runs that a test began: none outlives it."""
    runs: list[subprocess.Popen[str]] = []
    yield runs
    for run in runs:
        for process in _with_children(run.pid):
            process.kill()
        run.wait()


def _begin(
    started: list[subprocess.Popen[str]], arguments: list[str], cache: Path, said: Path
) -> subprocess.Popen[str]:
    with said.open("a") as log:
        run = full_command(arguments, cache, stdout=log, stderr=subprocess.STDOUT)
    started.append(run)
    return run


def _end(run: subprocess.Popen[str]) -> int:
    return run.wait(timeout=PATIENCE)


def _with_children(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _require_whole(cache: Path, folder: Path, whole: Path) -> None:
    assert differences(whole, folder) == []
    assert results_digest(folder) == results_digest(whole)
    assert left_over(cache, folder) == []
    assert not any(problems(entry) for entry in stored(Store(cache / "store")))


def test_two_runs_at_once_on_one_store(tmp_path: Path, clips: Path, forks: Forks, whole: Path) -> None:
    cache, folders = tmp_path / "cache", [tmp_path / "one", tmp_path / "two"]
    runs = [forks.begin(words(clips, folder), cache) for folder in folders]
    for run, folder in zip(runs, folders, strict=True):
        ended = run.wait()
        assert ended.code == 0 and "Traceback" not in ended.said, ended
        assert differences(whole, folder) == []
    for folder in folders:
        _require_whole(cache, folder, whole)


def test_two_runs_into_one_folder_both_killed_and_begun_again(
    tmp_path: Path, clips: Path, forks: Forks, whole: Path
) -> None:
    """Even the same command twice at once, into the same run folder, ends whole."""
    chance = random.Random(SEED)
    cache, folder = tmp_path / "cache", tmp_path / "run"
    for _ in range(4 if FULL else 2):
        before = entries(cache)
        runs = [forks.begin(words(clips, folder), cache) for _ in range(2)]
        until(lambda before=before, run=runs[0]: len(entries(cache)) > len(before) or run.answer.exists(), "an entry")
        for run in runs:
            time.sleep(chance.uniform(0, 0.5))
            run.kill()
        assert {run.wait().code for run in runs} <= {0, -9}
        after = entries(cache)
        assert {name: after.get(name) for name in before} == before, "a finished entry was made again"
    ended = [run.wait() for run in [forks.begin(words(clips, folder), cache) for _ in range(2)]]
    assert [run.code for run in ended] == [0, 0], ended
    assert not any("Traceback" in run.said for run in ended)
    _require_whole(cache, folder, whole)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_run_with_workers_that_is_killed_leaves_no_process_and_goes_on(
    tmp_path: Path, clips: Path, whole: Path, started, number: signal.Signals
) -> None:
    if number is not signal.SIGKILL and not FULL:
        pytest.skip("only with BENCH_FAULTS=full")
    cache, said, folder = tmp_path / "cache", tmp_path / "said.txt", tmp_path / "run"
    arguments = words(clips, folder, "--workers", "2")
    run = _begin(started, arguments, cache, said)
    until(lambda: entries(cache) or run.poll() is not None, "an entry")
    family = _with_children(run.pid)
    if number is signal.SIGINT:
        os.killpg(run.pid, number)  # Ctrl-C reaches every process of the terminal.
    else:
        run.send_signal(number)
    assert _end(run) in (130, -number), said.read_text()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert not alive, "workers outlive their run"
    before = entries(cache)
    assert before
    assert _end(_begin(started, arguments, cache, said)) == 0, said.read_text()
    after = entries(cache)
    assert {name: after.get(name) for name in before} == before, "a finished entry was made again"
    assert "Traceback" not in said.read_text()
    _require_whole(cache, folder, whole)


def test_workers_that_are_killed_are_replaced(tmp_path: Path, clips: Path, whole: Path, started) -> None:
    chance = random.Random(SEED)
    cache, said, folder = tmp_path / "cache", tmp_path / "said.txt", tmp_path / "run"
    run = _begin(started, words(clips, folder, "--workers", "2", "--retries", "10"), cache, said)
    kills, wanted = 0, 5 if FULL else 2
    while kills < wanted and run.poll() is None:
        known = len(entries(cache))
        until(lambda known=known: len(entries(cache)) > known or run.poll() is not None, "an entry")
        workers = [process for process in _with_children(run.pid)[1:] if _is_worker(process)]
        if workers:
            chance.choice(workers).kill()
            kills += 1
    assert _end(run) == 0, said.read_text()
    assert kills == wanted
    assert "Traceback" not in said.read_text()
    _require_whole(cache, folder, whole)


def _is_worker(process: psutil.Process) -> bool:
    """Not the process that multiprocessing keeps its books in."""
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False
