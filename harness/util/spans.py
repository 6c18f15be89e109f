"""Where the time goes: spans around the stages of the work, always on, collected for each task.

    with recording() as record:          # in a worker, around one task
        with span("faces", items=8):     # anywhere below it, in any thread that works for the task
            ...

`record` can be pickled and goes to the driver, which adds it to its `harness.profiling.profile.Profile`. Without a
`recording` spans cost a microsecond and are forgotten. Exclusive time counts: a span inside another takes its own part
away from it. A span must not be open across a `yield`, where the time of whoever reads would be counted; `timed` is for
generators. A thread that works for a task joins its record by running in `contextvars.copy_context()`.

Times of the processor are those of the thread itself: threads inside of libraries (OpenMP, FFmpeg) and accelerators
are not seen by it, only by the wall clock and by `Record.cpu`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import TypeVar

from bench_lipsync.harness.util.profile_record import OTHER, Event, Key, Record, Total

__all__ = ["OTHER", "Event", "Key", "Record", "Total", "recording", "span", "timed"]
S = TypeVar("S", bound=Sized)
_record: ContextVar[Record | None] = ContextVar("bench_record", default=None)


class _Stack(threading.local):
    def __init__(self) -> None:
        self.open: list[span] = []


_stack = _Stack()


class span:  # noqa: N801 - reads as the statement that it is
    """`with span("score", "lpips", items=32):` counts the time in it, less that of spans inside, to stage and detail.

    `items` may be set in the `with` block, where it becomes known.
    """

    __slots__ = ("_cpu", "began", "detail", "inner", "inner_cpu", "items", "stage")

    def __init__(self, stage: str, detail: str = "", items: int = 0) -> None:
        self.stage, self.detail, self.items = stage, detail, items
        self.inner = self.inner_cpu = 0.0

    def __enter__(self) -> span:
        _stack.open.append(self)
        self._cpu = time.thread_time()
        self.began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(_record.get())

    def _leave(self, record: Record | None) -> None:
        ended, cpu = time.perf_counter(), time.thread_time() - self._cpu
        stack = _stack.open
        if self not in stack:
            return  # A generator that another thread threw away.
        del stack[stack.index(self) :]
        if stack:
            stack[-1].inner += ended - self.began
            stack[-1].inner_cpu += cpu
        if record is not None:
            used = Total(ended - self.began - self.inner, 0.0, cpu - self.inner_cpu, 1, self.items)
            record.add(Key(self.stage, self.detail), self.began, ended, used)


@contextmanager
def recording() -> Iterator[Record]:
    """Collect the spans of one task. What is in none of them is `OTHER`, so that totals add up to the task's time.

    May lie inside of another one (a driver that works itself): each second counts in the inner one alone.
    """
    record = Record(began=time.time(), thread=threading.get_ident(), origin=time.perf_counter())
    token = _record.set(record)
    used = time.process_time()
    whole = span(OTHER)
    whole.__enter__()
    try:
        yield record
    finally:
        _record.reset(token)
        whole._leave(record)
        record.seconds = time.perf_counter() - record.origin
        record.cpu = time.process_time() - used


def timed(items: Iterator[S], stage: str, detail: str = "") -> Iterator[S]:
    """`items`, with the making of each one counted as a span; their lengths are its frames. Closes `items`."""
    try:
        while True:
            with span(stage, detail) as making:
                item = next(items, None)
                making.items = 0 if item is None else len(item)
            if item is None:
                return
            yield item
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()
