"""Progress on stderr with rate and time left: bars on a terminal and in a notebook, plain lines elsewhere.

    with stage("prepare", len(clips)) as tick:              # one stage
        for clip in clips:
            tick(clip.id)
    with stages({"prepare": 40, "mine": 40}) as progress:   # several at once
        progress.tick("mine", "clip_007")
    with download("alexnet.ckpt", size) as report:          # bytes
        report(done, size)

`hidden` silences all of them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import ProgressColumn, Task

T = TypeVar("T")
_HIDDEN = ContextVar("progress is hidden", default=False)
_ITEM_LINE_SECONDS = 15.0
_DOWNLOAD_LINE_SECONDS = 5.0
_NOTE = 40  # characters of a note
_SHORTEST = 1e-3
"""Seconds from which on a rate means something."""

Report = Callable[[int, "int | None"], None]
"""Called with bytes done and bytes in all (`None` while unknown)."""


class Ticker(Protocol):
    """Counts finished items of one stage."""

    def __call__(self, note: str = "") -> None:
        """One more item is done; `note` names the one that comes next."""
        ...


class StageProgress:
    """Progress of several stages at once; this one shows nothing."""

    def begin(self, stage: str, ago: float = 0.0) -> None:
        """Start the clock of a stage `ago` seconds back; it appears now. Without effect if it has begun."""

    def tick(self, stage: str, note: str = "") -> None:
        """One more item of a stage is done."""

    def footer(self, lines: Callable[[], Sequence[str]]) -> None:
        """Show `lines()` below the bars from now on."""


@contextmanager
def hidden(hide: bool = True) -> Iterator[None]:
    """Show no progress of what this thread does in the block."""
    token = _HIDDEN.set(hide or _HIDDEN.get())
    try:
        yield
    finally:
        _HIDDEN.reset(token)


@contextmanager
def stages(totals: Mapping[str, int], quiet: bool = False) -> Iterator[StageProgress]:
    """Progress of the stages of `totals`, each with its number of items."""
    if quiet or _HIDDEN.get():
        yield StageProgress()
    elif console := _console():
        with _stage_bars(console, totals) as progress:
            yield progress
    else:
        yield _StageLines(totals)


@contextmanager
def stage(title: str, total: int, quiet: bool = False) -> Iterator[Ticker]:
    """A bar for `total` items: `prepare ━━━ 12/40 0.8/s 0:00:35 left, clip_013`."""
    with stages({title: total}, quiet or total == 0) as progress:
        progress.begin(title)
        yield partial(progress.tick, title)


def each(title: str, items: Sequence[T], quiet: bool = False) -> Iterator[T]:
    """Iterate over `items` with a bar."""
    with stage(title, len(items), quiet) as tick:
        for item in items:
            yield item
            tick()


@contextmanager
def download(label: str, total: int | None) -> Iterator[Report]:
    """A bar of `total` bytes."""
    if _HIDDEN.get():
        yield lambda done, total: None
        return
    console = _console()
    if console is None:
        yield _DownloadLines(label).report
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    text = TextColumn("{task.description}")
    columns = (text, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as view:
        task = view.add_task(label, total=total)
        yield lambda done, total: view.update(task, completed=done, total=total)


def _console() -> Console | None:
    """Where bars can be drawn: a terminal, or a notebook with ipywidgets; `None` for a file or a pipe."""
    terminal = sys.stderr.isatty()
    if not terminal and "IPython" not in sys.modules:
        return None
    from rich.console import Console

    console = Console(stderr=True)
    return console if terminal or (console.is_jupyter and find_spec("ipywidgets") is not None) else None


@contextmanager
def _stage_bars(console: Console, totals: Mapping[str, int]) -> Iterator[StageProgress]:
    from rich.progress import Progress
    from rich.text import Text

    class Bars(Progress, StageProgress):
        _lines: Callable[[], Sequence[str]] = staticmethod(tuple)

        def get_renderables(self) -> Iterator[RenderableType]:
            yield self.make_tasks_table(self.tasks)
            yield from (Text(line, style="dim") for line in self._lines())

        def begin(self, stage: str, ago: float = 0.0) -> None:
            if stage in numbers and not self.tasks[numbers[stage]].started:
                self.start_task(numbers[stage])
                self.tasks[numbers[stage]].start_time = self.get_time() - ago
                self.update(numbers[stage], visible=True)

        def tick(self, stage: str, note: str = "") -> None:
            self.begin(stage)
            self.update(numbers[stage], advance=1, note=note[:_NOTE])

        def footer(self, lines: Callable[[], Sequence[str]]) -> None:
            self._lines = lines
            self.refresh()

    with Bars(*_item_columns(), console=console) as view:
        numbers = {name: view.add_task(name, False, total, visible=False, note="") for name, total in totals.items()}
        yield view


def _item_columns() -> tuple[ProgressColumn, ...]:
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            seconds = task.elapsed or 0.0
            return Text(f"{task.completed / seconds:.2f}/s" if task.completed and seconds > _SHORTEST else "")

    note = TextColumn("{task.fields[note]}", style="dim")
    return (
        *(TextColumn("{task.description:>10}"), BarColumn(bar_width=30), MofNCompleteColumn()),
        *(Rate(), TimeRemainingColumn(), note),
    )


class _StageLines(StageProgress):
    """Lines such as `prepare: 12/40, 0.80/s, 35 s left`: one every quarter of a minute and one at the end."""

    def __init__(self, totals: Mapping[str, int]) -> None:
        self._totals = totals
        self._done: dict[str, int] = {}
        self._began: dict[str, float] = {}
        self._printed: dict[str, float] = {}

    def begin(self, stage: str, ago: float = 0.0) -> None:
        if stage in self._totals and stage not in self._began:
            self._done[stage] = 0
            self._began[stage] = self._printed[stage] = time.monotonic() - ago

    def tick(self, stage: str, note: str = "") -> None:
        self.begin(stage)
        self._done[stage] += 1
        now, done, total = time.monotonic(), self._done[stage], self._totals[stage]
        if done != total and now - self._printed[stage] < _ITEM_LINE_SECONDS:
            return
        self._printed[stage] = now
        seconds = now - self._began[stage]
        tail = f"{seconds:.0f} s" if done == total else f"{(total - done) * seconds / done:.0f} s left"
        rate = f"{done / seconds:.2f}/s, " if seconds > _SHORTEST else ""
        print(f"{stage}: {done}/{total}, {rate}{tail}", file=sys.stderr, flush=True)


class _DownloadLines:
    """Lines such as `alexnet.ckpt: 12.3 of 87.3 MB, 3.1 MB/s, 24 s left`: one every few seconds and one at the end."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._began = self._printed = time.monotonic()
        self._start: int | None = None
        self._last = ""

    def report(self, done: int, total: int | None) -> None:
        now = time.monotonic()
        if self._start is None:
            self._start = done  # Bytes of a resumed download do not count towards the rate.
        if done != total and now - self._printed < _DOWNLOAD_LINE_SECONDS:
            return
        self._printed = now
        rate = (done - self._start) / max(now - self._began, 1e-9)
        left = f", {(total - done) / rate:.0f} s left" if total and rate and done < total else ""
        of = f" of {total / 1e6:.1f}" if total else ""
        line = f"{self._label}: {done / 1e6:.1f}{of} MB, {rate / 1e6:.1f} MB/s{left}"
        if line != self._last:
            print(line, file=sys.stderr, flush=True)
        self._last = line
