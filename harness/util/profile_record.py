"""What was measured in one task: plain data that a worker sends to the driver."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import NamedTuple

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
