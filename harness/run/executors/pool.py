"""Many workers, whatever they are: who gets which task, limits of time, lost workers replaced, lost tasks retried."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Protocol

from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.run.executors.base import Doing, Finished, Task
from bench_lipsync.harness.run.executors.worker_loop import Reply

logger = logging.getLogger("bench")
_FAILED_STARTS = 3
"""So many workers in a row that end before they begin, and the run ends."""


class Worker(Protocol):
    """One worker, which does one task at a time."""

    @property
    def name(self) -> str:
        """What it is called in the progress view and the log: `w3`."""
        ...

    def send(self, task: Any) -> None:
        """Give it a task; only when it is ready. A worker that is gone takes it silently and is then reported lost."""
        ...

    def kill(self) -> None:
        """End it at once, with all that it started. It is not reported lost."""
        ...


@dataclass(frozen=True)
class Event:
    """Something that a worker did."""

    worker: Worker
    kind: Literal["ready", "done", "lost"]
    """`ready`: started, waits for a task. `done`: `reply` is there, waits for the next. `lost`: it is gone."""
    reply: Reply | None = None
    why: str = ""
    """Of a lost one, for a reader: `was killed by signal 9`."""
    memory: bool = False
    """Of a lost one: it took more memory than it may."""


class WorkerSource(Protocol):
    """Where workers come from."""

    @property
    def limit(self) -> int | None:
        """Most workers at once; `None`: as many as there is room for, which may change."""
        ...

    def start(self, index: int) -> Worker:
        """Begin to start a worker, without waiting for it. `index` is the lowest that no living worker has."""
        ...

    def wait(self, seconds: float) -> Sequence[Event]:
        """What happened, at the latest after `seconds`; each thing is told once."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...


@dataclass(frozen=True)
class Limits:
    """What a task may cost before it is stopped."""

    seconds: float | None = None
    memory: int | None = None
    """Bytes of resident memory of its worker, with all processes that this has started."""
    retries: int = 2
    """How often a task is tried again whose worker was lost."""


@dataclass
class _Job:
    task: Task
    lost: int = 0
    """Workers that went away while doing it."""


@dataclass
class _Seat:
    worker: Worker
    index: int
    ready: bool = False
    job: _Job | None = None
    since: float = field(default_factory=time.monotonic)
    """When it began its task, or to start."""


class Crew:
    """An `Executor` made of workers."""

    def __init__(self, source: WorkerSource, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._seats: list[_Seat] = []
        self._queue: deque[_Job] = deque()
        self._finished: deque[Finished] = deque()
        self._failed_starts = 0

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.close()

    def room(self) -> int:
        """Workers without a task, counting those that can still be started; of a growing crew one at a time."""
        limit = self._source.limit
        slots = limit if limit is not None else sum(seat.ready for seat in self._seats) + 1
        busy = sum(seat.job is not None for seat in self._seats)
        return max(0, slots - busy - len(self._queue))

    def submit(self, task: Task) -> None:
        """Queue a task."""
        self._queue.append(_Job(task))
        self._assign()

    def wait(self, seconds: float | None = None) -> Finished | None:
        """The next task that ends. Raises `BenchError` for what a worker says ends the run."""
        until = None if seconds is None else time.monotonic() + seconds
        while not self._finished:
            left = self._patience(until)
            for event in self._source.wait(left):
                self._take(event)
            self._stop_late()
            self._assign()
            if until is not None and time.monotonic() >= until:
                break
        return self._finished.popleft() if self._finished else None

    def doing(self) -> Sequence[Doing]:
        """What the busy workers do, and who starts."""
        told = []
        for seat in self._seats:
            if seat.job:
                told.append(Doing(seat.worker.name, seat.job.task.stage, seat.job.task.title, seat.since))
            elif not seat.ready:
                told.append(Doing(seat.worker.name, "", "starts", seat.since))
        return told

    def _patience(self, until: float | None) -> float:
        """Seconds until somebody has to look again."""
        now = time.monotonic()
        ends = [] if until is None else [until]
        if self._limits.seconds is not None:
            ends += [seat.since + self._limits.seconds for seat in self._seats if seat.job]
        return max(0.0, min((end - now for end in ends), default=3600.0))

    def _assign(self) -> None:
        idle = [seat for seat in self._seats if seat.ready and seat.job is None]
        for seat in idle[: len(self._queue)]:
            seat.job, seat.since = self._queue.popleft(), time.monotonic()
            seat.worker.send(seat.job.task)
        starting = sum(not seat.ready for seat in self._seats)
        limit = self._source.limit
        # A crew that grows with its cluster asks for one more at a time: what it cannot get yet must not pile up.
        most = starting + limit - len(self._seats) if limit is not None else 1
        for _ in range(min(len(self._queue), most) - starting):
            taken = {seat.index for seat in self._seats}
            index = next(number for number in range(len(taken) + 1) if number not in taken)
            self._seats.append(_Seat(self._source.start(index), index))

    def _take(self, event: Event) -> None:
        seat = next((seat for seat in self._seats if seat.worker is event.worker), None)
        if seat is None:  # Killed in the meantime.
            return
        if event.kind == "ready":
            seat.ready, self._failed_starts = True, 0
        elif event.kind == "done":
            self._done(seat, event.reply or Reply())
        else:
            self._lost(seat, event)

    def _done(self, seat: _Seat, reply: Reply) -> None:
        for level, line in reply.log:
            logger.log(level, "%s", line)
        if reply.stop:
            raise BenchError(reply.stop)
        if reply.bug:
            raise RuntimeError(f"in worker {seat.worker.name}:\n{reply.bug}")
        if seat.job is not None:
            done = Finished(seat.job.task, reply.result, seat.worker.name, reply.seconds, reply.record)
            self._finished.append(done)
            seat.job = None

    def _lost(self, seat: _Seat, event: Event) -> None:
        self._seats.remove(seat)
        job, name = seat.job, seat.worker.name
        if not seat.ready:
            self._failed_starts += 1
            logger.warning("worker %s did not start: %s", name, event.why)
            if self._failed_starts >= _FAILED_STARTS:
                raise BenchError(f"no worker can be started; the last one {event.why}. Its messages are above")
        if job is None:
            return
        logger.warning("worker %s %s while it did: %s", name, event.why, job.task.title)
        if event.memory:
            self._end(seat, job, ClipError(Status.MEMORY, event.why))
            return
        job.lost += 1
        if job.lost <= self._limits.retries:
            self._queue.appendleft(job)
            return
        times = f"{job.lost} times" if job.lost > 1 else "once"
        self._end(seat, job, ClipError(Status.WORKER_LOST, f"tried {times}; its worker {event.why}"))

    def _end(self, seat: _Seat, job: _Job, error: ClipError) -> None:
        self._finished.append(Finished(job.task, error, seat.worker.name, time.monotonic() - seat.since))

    def _stop_late(self) -> None:
        limit = self._limits.seconds
        if limit is None:
            return
        now = time.monotonic()
        for seat in [seat for seat in self._seats if seat.job and now - seat.since >= limit]:
            seat.worker.kill()
            self._seats.remove(seat)
            if seat.job:
                reason = f"took longer than {limit:g} s (--clip-timeout)"
                logger.warning("%s: %s", seat.job.task.title, reason)
                self._end(seat, seat.job, ClipError(Status.TIMEOUT, reason))
