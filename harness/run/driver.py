"""The driver of a run: hands tasks of the schedule to an executor, and takes in and shows what comes back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.profiling.profile import Profile
from bench_lipsync.harness.results.schema import Provenance
from bench_lipsync.harness.run.executors.base import Executor, TaskResult
from bench_lipsync.harness.run.progress_display import ProgressDisplay
from bench_lipsync.harness.run.schedule import Schedule
from bench_lipsync.harness.run.work_items import AboutTask, PairResult, PairTask
from bench_lipsync.harness.util.spans import span

logger = logging.getLogger(__name__)
_POLL_SECONDS = 0.5


@dataclass
class RunState:
    """The state of a run in progress."""

    schedule: Schedule
    display: ProgressDisplay
    profile: Profile
    on_pair: Callable[[str, str, PairResult], None] | None = None
    """Called with row, clip id and result of every successful pair, as soon as it is done."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds of work by stage."""
    provenance: Provenance | None = None
    """Of a worker; `None` if none was asked."""


def drive(state: RunState, executor: Executor, *, ask_provenance: bool) -> None:
    """Carry out all tasks of `state.schedule`; however it ends, nothing goes on in the executor.

    Args:
        state: Collects the results.
        executor: Carries out the tasks.
        ask_provenance: Let a worker describe its machine; needed where workers are not on this one.

    Raises:
        BenchError: The run cannot go on.

    """
    with executor:
        running = 0
        if ask_provenance:
            executor.submit(AboutTask())
            running = 1
        while True:
            # Only as many tasks as there are free slots: what comes next may depend on results still to come.
            while executor.free_slots() > 0 and (task := state.schedule.next()) is not None:
                executor.submit(task)
                running += 1
            if not running:
                state.display.active(())
                return
            state.display.active(executor.active())
            with span("wait for workers"):
                result = executor.wait(_POLL_SECONDS)
            if result is not None:
                running -= 1
                _take(state, result)


def _take(state: RunState, done: TaskResult) -> None:
    task, result = done.task, done.result
    if isinstance(task, AboutTask):
        if isinstance(result, ClipError):
            logger.warning("no worker described its machine: %s", result.reason)
        else:
            state.provenance = result
        return
    row = task.row if isinstance(task, PairTask) else ""
    if done.record is not None:
        state.profile.add(done.worker, task.title, done.record, model=row)
    state.timings[task.stage] = state.timings.get(task.stage, 0.0) + done.seconds
    if isinstance(result, ClipError):
        logger.warning("%s: %s", task.title, result)
    elif isinstance(task, PairTask) and state.on_pair:
        state.on_pair(task.row, task.clip, result)
    done_with = state.schedule.take(task, result)
    state.display.tick(task.stage, task.item, done.seconds)
    for row in done_with:  # Pairs that failed with the clip, or with the audio.
        state.display.tick(row)
