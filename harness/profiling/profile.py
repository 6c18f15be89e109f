"""The profile of a whole run: accumulates the records of all workers.

    profile = Profile()
    with profile.driving():                              # around everything that the driver does
        ...
        profile.add(worker, title, record, model="mine") # once a finished task; worker "w3" or "w3@node-b"
        with span("wait for workers"):                   # where it has nothing to do
            ...
    write_profile(profile, folder)                       # what --profile writes (`harness.profiling.summary`)
    print(profile_table(profile))                        # and prints

It costs the same for every task: totals, and at most `MAX_TRACE` events altogether.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from bench_lipsync.harness.util.spans import Event, Key, Record, Total, recording

MAX_TRACE = 200_000
"""Events of all tasks in `trace.json`, about 30 MB; a run of days is represented by its first hours."""


@dataclass
class Worker:
    """What one worker did."""

    tasks: int = 0
    busy: float = 0.0
    """Seconds in tasks."""
    cpu: float = 0.0
    """Processor time of its process in them."""
    began: float = float("inf")
    """When its first task began and"""
    ended: float = 0.0
    """its last one ended, in seconds since 1970."""


class Task(NamedTuple):
    """A finished task as the trace shows it."""

    worker: str
    title: str
    began: float
    seconds: float
    events: list[Event]


@dataclass
class Profile:
    """Sums over all tasks, and the events of the first ones."""

    began: float = field(default_factory=time.time)
    ended: float = 0.0
    driver: Record | None = None
    totals: dict[Key, Total] = field(default_factory=dict)
    spread: Counter[Key] = field(default_factory=Counter)
    """In how many tasks each key occurs; under `Key(stage, "")` that of the stage as a whole."""
    models: dict[str, Total] = field(default_factory=dict)
    """Whole tasks by model; `items` are the frames that were generated."""
    workers: dict[str, Worker] = field(default_factory=dict)
    trace: list[Task] = field(default_factory=list)
    kept: int = 0
    dropped: int = 0
    """Events that are not in the trace."""

    @contextmanager
    def driving(self) -> Iterator[None]:
        """Measure the driver: the time in the block that lies in no task of this process."""
        self.began = time.time()
        try:
            with recording() as record:
                yield
        finally:
            self.driver, self.ended = record, time.time()

    def add(self, worker: str, title: str, record: Record, model: str = "") -> None:
        """Take in a finished task; `model` is the row that it belongs to, empty for preparation."""
        for key, total in record.totals.items():
            self.totals.setdefault(key, Total()).add(total)
        self.spread.update({*record.totals, *(Key(key.stage, "") for key in record.totals)})
        if model:
            frames = sum(total.items for key, total in record.totals.items() if key.stage == "generate")
            self.models.setdefault(model, Total()).add(Total(record.seconds, 0.0, record.cpu, 1, frames))
        sums = self.workers.setdefault(worker, Worker())
        sums.tasks += 1
        sums.busy += record.seconds
        sums.cpu += record.cpu
        sums.began = min(sums.began, record.began)
        sums.ended = max(sums.ended, record.began + record.seconds)
        room = max(0, MAX_TRACE - self.kept)
        events = record.events[:room]
        self.kept += len(events)
        self.dropped += record.dropped + len(record.events) - len(events)
        if events:
            self.trace.append(Task(worker, title, record.began, record.seconds, events))

    @property
    def seconds(self) -> float:
        """Length of the run so far."""
        return (self.ended or time.time()) - self.began
