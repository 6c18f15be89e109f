"""A pool of real processes: who gets what, limits, losses."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tests_tricks import Trick, Tricks

from bench_lipsync.harness.errors import BenchError, ClipError
from bench_lipsync.harness.run.executors.base import TaskResult
from bench_lipsync.harness.run.executors.inline import InlineExecutor
from bench_lipsync.harness.run.executors.pool import Event, TaskLimits, WorkerPool
from bench_lipsync.harness.run.executors.process import ProcessSource, ProcessWorker

pytestmark = pytest.mark.timeout(120)


@contextmanager
def pool(folder: Path, workers: int = 2, at_start: str = "", **limits: float | int | None) -> Iterator[WorkerPool]:
    asked = TaskLimits(**limits)
    with WorkerPool(ProcessSource(Tricks(at_start), workers, folder / "notes", asked.memory), asked) as made:
        yield made


def finish(made: WorkerPool | InlineExecutor, tasks: list[Trick]) -> list[TaskResult]:
    """Keep the executor as full as it wants until all is done."""
    waiting, done, running = list(tasks), [], 0
    while waiting or running:
        while waiting and made.free_slots() > 0:
            made.submit(waiting.pop(0))
            running += 1
        finished = made.wait()
        assert finished is not None
        done.append(finished)
        running -= 1
    return sorted(done, key=lambda one: one.task.number)


def statuses(done: list[TaskResult]) -> list[str]:
    return [one.result.status.value if isinstance(one.result, ClipError) else "ok" for one in done]


def test_every_task_is_done_once_by_as_many_processes_as_asked(tmp_path: Path) -> None:
    with pool(tmp_path) as made:
        done = finish(made, [Trick("wait", number) for number in range(12)])
    assert [one.result[0] for one in done] == list(range(12))
    pids = {one.result[1] for one in done}
    assert len(pids) == 2 and os.getpid() not in pids
    assert all(one.seconds > 0 and one.record is not None for one in done)
    assert not any(psutil.pid_exists(pid) for pid in pids), "workers are gone afterwards"


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="NOT CHECKED: no signals to hold back here")
def test_ctrl_c_while_a_worker_is_being_imported_does_nothing_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = ProcessSource(Tricks(""), 1, tmp_path / "notes")
    try:
        worker = source.start(0)
        assert isinstance(worker, ProcessWorker) and worker.process.pid
        events: list[Event] = []
        while not events:
            os.kill(worker.process.pid, signal.SIGINT)
            events = list(source.wait(0.02))
        assert events[0].kind == "ready"
    finally:
        source.close()
    assert capfd.readouterr().err == ""
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set()), "the driver hears it"


def test_no_more_tasks_are_taken_than_workers_can_use(tmp_path: Path) -> None:
    with pool(tmp_path) as made:
        assert made.free_slots() == 2
        made.submit(Trick("hang", 1))
        assert made.free_slots() == 1
        made.submit(Trick("hang", 2))
        assert made.free_slots() == 0 and made.wait(0.01) is None
        began = time.monotonic()
        assert {doing.title for doing in made.active()} == {"starts"}
        while any(doing.title == "starts" for doing in made.active()) and time.monotonic() - began < 60:
            made.wait(0.2)
        assert sorted(doing.title for doing in made.active()) == ["hang 1", "hang 2"]


def test_failures_and_their_log_lines_travel(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("bench_lipsync").propagate = True
    with pool(tmp_path) as made, caplog.at_level(logging.WARNING, "bench_lipsync"):
        done = finish(made, [Trick("no-face", 7), Trick("wait", 8)])
    assert statuses(done) == ["no_face", "ok"]
    assert done[0].result.reason == "nobody there" and "looked at 7" in caplog.text


def test_a_lost_worker_is_replaced_and_its_task_tried_again(tmp_path: Path) -> None:
    with pool(tmp_path) as made:
        done = finish(made, [Trick("die-once", n, tmp_path) if n % 3 == 0 else Trick("wait", n) for n in range(7)])
    assert statuses(done) == ["ok"] * 7


@pytest.mark.parametrize(("what", "words"), [("die", "signal 9 (SIGKILL)"), ("exit", "exit status 3")])
def test_a_task_that_ends_every_worker_ends_as_a_failure(tmp_path: Path, what: str, words: str) -> None:
    with pool(tmp_path, retries=1) as made:
        done = finish(made, [Trick(what, 0), *(Trick("wait", n) for n in range(1, 5))])
    assert statuses(done) == ["worker_lost", *["ok"] * 4]
    assert words in done[0].result.reason and "2 times" in done[0].result.reason


def test_a_task_that_hangs_is_stopped_and_the_others_go_on(tmp_path: Path) -> None:
    with pool(tmp_path, seconds=3) as made:
        done = finish(made, [Trick("hang", 0), *(Trick("wait", n) for n in range(1, 5))])
    assert statuses(done) == ["timeout", *["ok"] * 4]
    assert "3 s (--clip-timeout)" in done[0].result.reason


def test_a_task_that_takes_too_much_memory_is_stopped(tmp_path: Path) -> None:
    with pool(tmp_path, memory=300 << 20) as made:
        done = finish(made, [Trick("eat", 0), Trick("wait", 1)])
    assert statuses(done) == ["memory", "ok"]
    assert "--clip-memory" in done[0].result.reason and "GB" in done[0].result.reason
    assert not list((tmp_path / "notes").glob("*"))


def test_a_mistake_of_use_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no such weights"), pool(tmp_path) as made:
        finish(made, [Trick("mistake"), Trick("hang", 1)])
    with pytest.raises(BenchError, match="no such weights"), pool(tmp_path, at_start="mistake") as made:
        finish(made, [Trick("wait")])


def test_a_bug_in_a_worker_shows_its_own_traceback(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)tests_tricks.*ZeroDivisionError: a bug"), pool(tmp_path) as made:
        finish(made, [Trick("bug")])


def test_workers_that_cannot_even_start_end_the_run(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no worker can be started"), pool(tmp_path, at_start="die") as made:
        finish(made, [Trick("wait")])


def test_inline_does_the_same_in_this_process() -> None:
    with InlineExecutor(Tricks()) as made:
        done = finish(made, [Trick("wait", 0), Trick("no-face", 1), Trick("wait", 2)])
    assert statuses(done) == ["ok", "no_face", "ok"]
    assert done[0].result == (0, os.getpid())
