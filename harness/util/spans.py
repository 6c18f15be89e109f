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
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, TypeVar

S = TypeVar("S", bound=Sized)
OTHER = "other"
"""The part of a task that lies in no span."""
MAX_EVENTS = 4000
"""Events kept of one task; totals go on beyond."""
_LOCK = threading.Lock()  # One for all: a record with its own could not be pickled.


class Key(NamedTuple):
    """What a total is of."""

    stage: str
    detail: str
    """Model or scorer; empty where a stage has no parts."""


class Event(NamedTuple):
    """One span, as a viewer of traces shows it."""

    key: Key
    start: float
    """Seconds since the record began."""
    end: float
    thread: str
    """Empty: the task's own thread."""


@dataclass
class Total:
    """Sums over the spans of one key; all times are exclusive and in seconds."""

    wall: float = 0.0
    """In the task's own thread: what the stage adds to the task's time."""
    beside: float = 0.0
    """In threads beside it, at the same time as something else."""
    cpu: float = 0.0
    count: int = 0
    items: int = 0
    """Frames, where the stage knows of them."""

    def add(self, other: Total) -> None:
        """Add another sum to this one."""
        self.wall += other.wall
        self.beside += other.beside
        self.cpu += other.cpu
        self.count += other.count
        self.items += other.items


@dataclass
class Record:
    """Everything that was measured in one task."""

    began: float = 0.0
    """Seconds since 1970, so that records of several machines share a time line."""
    seconds: float = 0.0
    cpu: float = 0.0
    """Processor time of the whole process meanwhile, libraries' threads included."""
    totals: dict[Key, Total] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    dropped: int = 0
    """Events beyond `MAX_EVENTS`."""
    thread: int = 0
    """The task's own thread."""
    origin: float = 0.0
    """What `time.perf_counter` said when the record began."""

    def add(self, key: Key, start: float, end: float, used: Total) -> None:
        """Take in a span from `start` to `end`, as `time.perf_counter` counts; of `used`, `wall` is whoever's time."""
        own = threading.get_ident() == self.thread
        if not own:
            used.beside, used.wall = used.wall, 0.0
        with _LOCK:
            self.totals.setdefault(key, Total()).add(used)
            if len(self.events) >= MAX_EVENTS:
                self.dropped += 1
                return
            name = "" if own else threading.current_thread().name
            self.events.append(Event(key, start - self.origin, end - self.origin, name))


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
    task = span(OTHER)
    task.__enter__()
    try:
        yield record
    finally:
        _record.reset(token)
        task._leave(record)
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
