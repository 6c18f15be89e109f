"""The worker pool: assigns tasks, stops what exceeds its limits, replaces lost workers and retries lost tasks.

It does not know what its workers are; a `WorkerSource` starts them and reports what they do. (`pebble.ProcessPool` has
time-outs and restarts as well, but no memory limit, no relay of log lines and no Ray.)

A slot is one place for a worker and goes through these states:

    starting ──ready──► idle ──assigned──► busy ──done──► idle
       │                 │                  │
       └──────lost───────┴──────lost────────┴──────────► removed; its task, if any, is queued again or fails
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Protocol

from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.run.executors.base import ActiveTask, Task, TaskResult
from bench_lipsync.harness.run.executors.worker_loop import Reply

logger = logging.getLogger(__name__)
_FAILED_STARTS = 3
"""Workers in a row that end before they are ready; then the run ends, because the next one would end as well."""


class Worker(Protocol):
    """One worker, which does one task at a time."""

    @property
    def name(self) -> str:
        """Its name in the progress display and the log: `w3`."""
        ...

    def send(self, task: Any) -> None:
        """Give it a task; only when it is ready. A worker that is gone takes it silently and is then reported lost."""
        ...

    def kill(self) -> None:
        """End it at once, with all that it started. It is not reported lost."""
        ...


@dataclass(frozen=True)
class Event:
    """Something that happened to a worker."""

    worker: Worker
    kind: Literal["ready", "done", "lost"]
    """`ready`: started, waits for a task. `done`: `reply` is there, waits for the next. `lost`: it is gone."""
    reply: Reply | None = None
    why: str = ""
    """Of a lost worker: the reason, as `was killed by signal 9`."""
    memory: bool = False
    """Of a lost worker: it exceeded its memory limit."""


class WorkerSource(Protocol):
    """Starts workers and reports what they do."""

    @property
    def limit(self) -> int | None:
        """Most workers at once; `None`: as many as there is room for, which may change."""
        ...

    def start(self, index: int) -> Worker:
        """Begin to start a worker, without waiting for it. `index` is the lowest that no living worker has."""
        ...

    def wait(self, seconds: float) -> Sequence[Event]:
        """What happened, at the latest after `seconds`; each event is reported once."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...


@dataclass(frozen=True)
class TaskLimits:
    """What a task may take before it is stopped."""

    seconds: float | None = None
    memory: int | None = None
    """Bytes of resident memory of its worker, with all processes that this has started."""
    retries: int = 2
    """How often a task is tried again whose worker was lost."""


@dataclass
class _Job:
    task: Task
    lost: int = 0
    """Workers that were lost while they did it."""


@dataclass
class _Slot:
    worker: Worker
    index: int
    ready: bool = False
    """Whether the worker has started."""
    job: _Job | None = None
    since: float = field(default_factory=time.monotonic)
    """When the worker began its task, or to start."""


class WorkerPool:
    """An `Executor` of many workers.

    Args:
        source: Starts the workers. The pool closes it.
        limits: Of every task.

    """

    def __init__(self, source: WorkerSource, limits: TaskLimits) -> None:
        self._source = source
        self._limits = limits
        self._slots: list[_Slot] = []
        self._queue: deque[_Job] = deque()
        self._results: deque[TaskResult] = deque()
        self._failed_starts = 0

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.close()

    def free_slots(self) -> int:
        """Workers without a task, counting those that can still be started; of a growing pool one at a time."""
        limit = self._source.limit
        slots = limit if limit is not None else sum(slot.ready for slot in self._slots) + 1
        busy = sum(slot.job is not None for slot in self._slots)
        return max(0, slots - busy - len(self._queue))

    def submit(self, task: Task) -> None:
        """Queue a task."""
        self._queue.append(_Job(task))
        self._assign()

    def wait(self, seconds: float | None = None) -> TaskResult | None:
        """The next task that ends, or `None` after `seconds`. Raises `BenchError` if a worker ends the run."""
        until = None if seconds is None else time.monotonic() + seconds
        while not self._results:
            for event in self._source.wait(self._seconds_to_wait(until)):
                self._take(event)
            self._stop_late_tasks()
            self._assign()  # Events may have freed workers, or lost them.
            if until is not None and time.monotonic() >= until:
                break
        return self._results.popleft() if self._results else None

    def active(self) -> Sequence[ActiveTask]:
        """What the busy workers do, and which workers are starting."""
        tasks = []
        for slot in self._slots:
            if slot.job:
                tasks.append(ActiveTask(slot.worker.name, slot.job.task.stage, slot.job.task.title, slot.since))
            elif not slot.ready:
                tasks.append(ActiveTask(slot.worker.name, "", "starts", slot.since))
        return tasks

    def _seconds_to_wait(self, until: float | None) -> float:
        """Time until the caller wants an answer or a task reaches its limit."""
        now = time.monotonic()
        ends = [] if until is None else [until]
        if self._limits.seconds is not None:
            ends += [slot.since + self._limits.seconds for slot in self._slots if slot.job]
        return max(0.0, min((end - now for end in ends), default=3600.0))

    def _assign(self) -> None:
        """Give queued tasks to idle workers, and start workers for the rest."""
        idle = [slot for slot in self._slots if slot.ready and slot.job is None]
        for slot in idle[: len(self._queue)]:
            slot.job, slot.since = self._queue.popleft(), time.monotonic()
            slot.worker.send(slot.job.task)
        starting = sum(not slot.ready for slot in self._slots)
        limit = self._source.limit
        # A pool that grows with its cluster requests one more worker at a time, so that requests do not pile up.
        most = starting + limit - len(self._slots) if limit is not None else 1
        for _ in range(min(len(self._queue), most) - starting):
            taken = {slot.index for slot in self._slots}
            index = next(number for number in range(len(taken) + 1) if number not in taken)
            self._slots.append(_Slot(self._source.start(index), index))

    def _take(self, event: Event) -> None:
        slot = next((slot for slot in self._slots if slot.worker is event.worker), None)
        if slot is None:  # Killed in the meantime; its task has its result.
            return
        if event.kind == "ready":
            slot.ready, self._failed_starts = True, 0
        elif event.kind == "done":
            self._done(slot, event.reply or Reply())
        else:
            self._lost(slot, event)

    def _done(self, slot: _Slot, reply: Reply) -> None:
        for level, line in reply.log:
            logger.log(level, "%s", line)
        if reply.stop:
            raise BenchError(reply.stop)
        if reply.bug:
            raise RuntimeError(f"in worker {slot.worker.name}:\n{reply.bug}")
        if slot.job is not None:
            result = TaskResult(slot.job.task, reply.result, slot.worker.name, reply.seconds, reply.record)
            self._results.append(result)
            slot.job = None

    def _lost(self, slot: _Slot, event: Event) -> None:
        self._slots.remove(slot)
        job, name = slot.job, slot.worker.name
        if not slot.ready:
            self._failed_starts += 1
            logger.warning("worker %s did not start: %s", name, event.why)
            if self._failed_starts >= _FAILED_STARTS:
                raise BenchError(f"no worker can be started; the last one {event.why}. Its messages are above")
        if job is None:
            return
        logger.warning("worker %s %s while it did: %s", name, event.why, job.task.title)
        if event.memory:  # Another try would need as much.
            self._fail(slot, job, ClipError(Status.MEMORY, event.why))
            return
        job.lost += 1
        if job.lost <= self._limits.retries:
            self._queue.appendleft(job)  # First, because others may depend on its result.
            return
        times = f"{job.lost} times" if job.lost > 1 else "once"
        self._fail(slot, job, ClipError(Status.WORKER_LOST, f"tried {times}; its worker {event.why}"))

    def _fail(self, slot: _Slot, job: _Job, error: ClipError) -> None:
        self._results.append(TaskResult(job.task, error, slot.worker.name, time.monotonic() - slot.since))

    def _stop_late_tasks(self) -> None:
        limit = self._limits.seconds
        if limit is None:
            return
        now = time.monotonic()
        for slot in [slot for slot in self._slots if slot.job and now - slot.since >= limit]:
            slot.worker.kill()  # Removed at once: what the killed worker may still have sent is ignored.
            self._slots.remove(slot)
            if slot.job:
                reason = f"took longer than {limit:g} s (--clip-timeout)"
                logger.warning("%s: %s", slot.job.task.title, reason)
                self._fail(slot, slot.job, ClipError(Status.TIMEOUT, reason))
