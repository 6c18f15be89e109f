"""Progress bars on stderr with rate and time left; plain lines where stderr is not a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

T = TypeVar("T")
_LINE_EVERY_SECONDS = 15.0


class Ticker(Protocol):
    """Counts finished items of one stage."""

    def __call__(self, note: str = "") -> None:
        """One more item is done; `note` names the one that comes next."""
        ...


@contextmanager
def stage(title: str, total: int, quiet: bool = False) -> Iterator[Ticker]:
    """A bar for `total` items: `prepare ━━━ 12/40 0.8/s 0:00:35 left, clip_013`."""
    if quiet or total == 0:
        yield lambda note="": None
    elif sys.stderr.isatty():
        with _bar(title, total) as ticker:
            yield ticker
    else:
        yield lines(title, total)


def each(title: str, items: Sequence[T], quiet: bool = False) -> Iterator[T]:
    """Iterate over `items` with a bar."""
    with stage(title, len(items), quiet) as tick:
        for item in items:
            yield item
            tick()


def columns() -> tuple[ProgressColumn, ...]:
    """What a bar shows; its task has the fields `rate` and `note`."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    return (
        TextColumn("{task.description:>10}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )


@contextmanager
def _bar(title: str, total: int) -> Iterator[Ticker]:
    from rich.console import Console
    from rich.progress import Progress

    began = time.monotonic()
    with Progress(*columns(), console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total, rate="", note="")

        def tick(note: str = "") -> None:
            progress.advance(task)
            done = progress.tasks[0].completed
            progress.update(task, rate=f"{done / max(time.monotonic() - began, 1e-9):.2f}/s", note=note[:40])

        yield tick


def lines(title: str, total: int) -> Ticker:
    """A line every quarter of a minute and one at the end, for what is not a terminal."""
    began = time.monotonic()
    state = {"done": 0, "said": began}

    def tick(note: str = "") -> None:
        state["done"] += 1
        now = time.monotonic()
        last = state["done"] == total
        if last or now - state["said"] >= _LINE_EVERY_SECONDS:
            state["said"] = now
            rate = state["done"] / max(now - began, 1e-9)
            left = (total - state["done"]) / rate
            tail = f"{now - began:.0f} s" if last else f"{left:.0f} s left"
            print(f"{title}: {int(state['done'])}/{total}, {rate:.2f}/s, {tail}", file=sys.stderr, flush=True)

    return tick
