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
from small_world import entries, full_command, left_over, make_clips, words

from harness.results_digest import differences, results_digest
from harness.store import Store
from harness.store_care import entries as stored
from harness.store_care import problems

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
FULL = os.environ.get("BENCH_FAULTS") == "full"
SEED = 11
PATIENCE = 600.0
"""Seconds after which a run counts as hanging."""


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clips(tmp_path_factory.mktemp("clips") / "clips", count=2)


@pytest.fixture(scope="module")
def whole(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of an undisturbed run in one process."""
    root = tmp_path_factory.mktemp("whole")
    assert _end(full_command(words(clips, root / "run"), root / "cache")) == 0
    return root / "run"


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


def _until(ask, what: str) -> None:
    ends = time.monotonic() + PATIENCE
    while not ask():
        assert time.monotonic() < ends, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.05)


def _require_whole(cache: Path, folder: Path, whole: Path) -> None:
    assert differences(whole, folder) == []
    assert results_digest(folder) == results_digest(whole)
    assert left_over(cache, folder) == []
    assert not any(problems(entry) for entry in stored(Store(cache / "store")))


def test_two_runs_at_once_on_one_store(tmp_path: Path, clips: Path, whole: Path, started) -> None:
    cache, folders = tmp_path / "cache", [tmp_path / "one", tmp_path / "two"]
    runs = [_begin(started, words(clips, folder), cache, tmp_path / f"{folder.name}.txt") for folder in folders]
    assert [_end(run) for run in runs] == [0, 0]
    for folder in folders:
        assert "Traceback" not in (tmp_path / f"{folder.name}.txt").read_text()
        _require_whole(cache, folder, whole)


def test_two_runs_into_one_folder_both_killed_and_begun_again(
    tmp_path: Path, clips: Path, whole: Path, started
) -> None:
    """Even the same command twice at once, into the same run folder, ends whole."""
    chance = random.Random(SEED)
    cache, said, folder = tmp_path / "cache", tmp_path / "said.txt", tmp_path / "run"
    for number in range(3 if FULL else 1):
        before = entries(cache)
        runs = [_begin(started, words(clips, folder), cache, said) for _ in range(2)]
        _until(lambda before=before: len(entries(cache)) > len(before), "an entry")
        for run in runs:
            time.sleep(chance.uniform(0, 0.5))
            run.kill()
            assert _end(run) in (0, -9), number
        after = entries(cache)
        assert {name: after.get(name) for name in before} == before, "a finished entry was made again"
    runs = [_begin(started, words(clips, folder), cache, said) for _ in range(2)]
    assert [_end(run) for run in runs] == [0, 0]
    assert "Traceback" not in said.read_text()
    _require_whole(cache, folder, whole)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_run_with_workers_that_is_killed_leaves_no_process_and_goes_on(
    tmp_path: Path, clips: Path, whole: Path, started, number: signal.Signals
) -> None:
    if number is signal.SIGTERM and not FULL:
        pytest.skip("only with BENCH_FAULTS=full: much like SIGINT")
    cache, said, folder = tmp_path / "cache", tmp_path / "said.txt", tmp_path / "run"
    arguments = words(clips, folder, "--workers", "2")
    run = _begin(started, arguments, cache, said)
    _until(lambda: entries(cache) or run.poll() is not None, "an entry")
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
        _until(lambda known=known: len(entries(cache)) > known or run.poll() is not None, "an entry")
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
