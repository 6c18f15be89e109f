"""The progress of a whole run in one view: a bar for every stage, and what each worker does at the moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Protocol

from bench_lipsync.harness.run.executors.base import ActiveTask
from bench_lipsync.harness.util.progress import StageProgress, stages

_WORKERS_SHOWN = 12


class ProgressDisplay(Protocol):
    """Receives the progress events of a running evaluation."""

    def tick(self, stage: str, note: str = "", seconds: float = 0.0) -> None:
        """One more item of `stage` is done, which took `seconds`; `note` names the clip."""
        ...

    def active(self, workers: Sequence[ActiveTask]) -> None:
        """What the workers are busy with now."""
        ...


DisplayFactory = Callable[[Mapping[str, int]], AbstractContextManager[ProgressDisplay]]
"""Opens the display of a run, for its number of items of every stage."""


class _StageDisplay:
    """Bars or lines of `util.progress`, with a line for every busy worker."""

    def __init__(self, progress: StageProgress) -> None:
        self._progress = progress

    def tick(self, stage: str, note: str = "", seconds: float = 0.0) -> None:
        self._progress.begin(stage, ago=seconds)  # Nobody saw it begin where one task follows the other.
        self._progress.tick(stage, note)

    def active(self, workers: Sequence[ActiveTask]) -> None:
        for worker in workers:
            self._progress.begin(worker.stage)
        self._progress.footer(partial(_worker_lines, workers))


@contextmanager
def progress_display(totals: Mapping[str, int]) -> Iterator[ProgressDisplay]:
    """A view of the stages of `totals`, each with its number of items: bars on a terminal, else a line now and then."""
    with stages(totals) as progress:
        yield _StageDisplay(progress)


def _worker_lines(workers: Sequence[ActiveTask]) -> list[str]:
    now = time.monotonic()
    lines = [f"{item.worker:>10} {item.title[:60]}, {now - item.since:.0f} s" for item in workers[:_WORKERS_SHOWN]]
    if len(workers) > _WORKERS_SHOWN:
        lines.append(f"{'':>10} and {len(workers) - _WORKERS_SHOWN} more workers")
    return lines
