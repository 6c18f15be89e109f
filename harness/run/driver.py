"""Carrying a schedule out on an executor: what can be done is given out, what is done is taken in and shown."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.profiling.profile import Profile
from bench_lipsync.harness.results.schema import Provenance
from bench_lipsync.harness.run.executors.base import Executor, Finished
from bench_lipsync.harness.run.progress_display import ProgressDisplay
from bench_lipsync.harness.run.schedule import Schedule
from bench_lipsync.harness.run.tasks import AboutTask, PairDone, PairTask
from bench_lipsync.harness.util.spans import span

logger = logging.getLogger("bench")
_LOOK_EVERY_SECONDS = 0.5


@dataclass
class Course:
    """A run on its way."""

    schedule: Schedule
    board: ProgressDisplay
    profile: Profile
    on_pair: Callable[[str, str, PairDone], None] | None = None
    """Called with row, clip id and result of every pair that went well, as soon as it is done."""
    timings: dict[str, float] = field(default_factory=dict)
    provenance: Provenance | None = None
    """Of the first worker that told."""


def carry_out(course: Course, executor: Executor, *, ask_about: bool) -> None:
    """Do all that `course.schedule` has; with `ask_about` a worker is asked where it is.

    Raises `BenchError` for what ends the run; whatever ends it, nothing goes on in the executor.
    """
    with executor:
        running = 0
        if ask_about:
            executor.submit(AboutTask())
            running = 1
        while True:
            while executor.room() > 0 and (task := course.schedule.next()) is not None:
                executor.submit(task)
                running += 1
            if not running:
                course.board.doing(())
                return
            course.board.doing(executor.doing())
            with span("wait for workers"):
                finished = executor.wait(_LOOK_EVERY_SECONDS)
            if finished is not None:
                running -= 1
                _take(course, finished)


def _take(course: Course, finished: Finished) -> None:
    task, result = finished.task, finished.result
    if isinstance(task, AboutTask):
        if isinstance(result, ClipError):
            logger.warning("no worker said where it is: %s", result.reason)
        else:
            course.provenance = result
        return
    row = task.row if isinstance(task, PairTask) else ""
    if finished.record is not None:
        course.profile.add(finished.worker, task.title, finished.record, model=row)
    course.timings[task.stage] = course.timings.get(task.stage, 0.0) + finished.seconds
    if isinstance(result, ClipError):
        logger.warning("%s: %s", task.title, result)
    elif isinstance(task, PairTask) and course.on_pair:
        course.on_pair(task.row, task.clip, result)
    course.schedule.take(task, result)
    course.board.tick(task.stage, task.clip if isinstance(task, PairTask) else task.clip.id)
    if isinstance(result, ClipError) and not isinstance(task, PairTask):
        for other in course.schedule.rows:  # Nothing is left to do for this clip.
            course.board.tick(other.name)
