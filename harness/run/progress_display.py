"""The progress of a whole run in one view: a bar for every stage, and what each worker does at the moment."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from bench_lipsync.harness.run.executors.base import Doing
from bench_lipsync.harness.util import progress

if TYPE_CHECKING:
    from rich.console import RenderableType

_WORKERS_SHOWN = 12


class Board(Protocol):
    """What is told while a run goes on."""

    def tick(self, stage: str, note: str = "") -> None:
        """One more item of a stage is done."""
        ...

    def doing(self, workers: Sequence[Doing]) -> None:
        """What the workers are busy with now."""
        ...


@contextmanager
def board(stages: Mapping[str, int], quiet: bool = False) -> Iterator[Board]:
    """A view of `stages`, each with its number of items: bars on a terminal, else a line now and then."""
    if quiet:
        yield _Silent()
    elif sys.stderr.isatty():
        with _bars(stages) as shown:
            yield shown
    else:
        yield _Lines(stages)


class _Silent:
    def tick(self, stage: str, note: str = "") -> None:
        pass

    def doing(self, workers: Sequence[Doing]) -> None:
        pass


class _Lines:
    """Lines of `harness.util.progress` for each stage, which begin with its first item."""

    def __init__(self, stages: Mapping[str, int]) -> None:
        self._stages = stages
        self._tickers: dict[str, progress.Ticker] = {}

    def tick(self, stage: str, note: str = "") -> None:
        self._begun(stage)(note)

    def doing(self, workers: Sequence[Doing]) -> None:
        for one in workers:
            if one.stage in self._stages:
                self._begun(one.stage)

    def _begun(self, stage: str) -> progress.Ticker:
        if stage not in self._tickers:
            self._tickers[stage] = progress.lines(stage, self._stages.get(stage, 0))
        return self._tickers[stage]


@contextmanager
def _bars(stages: Mapping[str, int]) -> Iterator[Board]:
    from rich.console import Console
    from rich.progress import Progress
    from rich.text import Text

    class View(Progress):
        """The bars, then a line for every worker."""

        workers: Sequence[Doing] = ()

        def get_renderables(self) -> Iterator[RenderableType]:
            yield self.make_tasks_table(self.tasks)
            now = time.monotonic()
            for one in self.workers[:_WORKERS_SHOWN]:
                yield Text(f"{one.worker:>10} {one.title[:60]}, {now - one.since:.0f} s", style="dim")
            if len(self.workers) > _WORKERS_SHOWN:
                yield Text(f"{'':>10} and {len(self.workers) - _WORKERS_SHOWN} more workers", style="dim")

    with View(*progress.columns(), console=Console(stderr=True)) as view:
        yield _Bars(view, stages)


class _Bars:
    def __init__(self, view: Any, stages: Mapping[str, int]) -> None:
        self._view = view
        self._tasks = {
            stage: view.add_task(stage, total=total, rate="", note="", visible=False, start=False)
            for stage, total in stages.items()
        }
        self._began: dict[str, float] = {}
        self._done = dict.fromkeys(stages, 0)

    def tick(self, stage: str, note: str = "") -> None:
        self._begin(stage)
        self._done[stage] += 1
        rate = self._done[stage] / max(time.monotonic() - self._began[stage], 1e-9)
        self._view.update(self._tasks[stage], advance=1, rate=f"{rate:.2f}/s", note=note[:40])

    def doing(self, workers: Sequence[Doing]) -> None:
        for one in workers:
            self._begin(one.stage)
        self._view.workers = workers
        self._view.refresh()

    def _begin(self, stage: str) -> None:
        if stage in self._tasks and stage not in self._began:
            self._began[stage] = time.monotonic()
            self._view.start_task(self._tasks[stage])
            self._view.update(self._tasks[stage], visible=True)
