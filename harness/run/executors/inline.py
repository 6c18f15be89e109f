"""Does the tasks of a run one after the other in this process; all other executors must give the same results."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.run.executors.base import ActiveTask, Setup, Task, TaskResult, WorkerContext
from bench_lipsync.harness.util.spans import recording


class InlineExecutor:
    """Does a task when it is waited for. Errors come out as they are; Ctrl-C stops it in the middle of a task."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._do: Any = None
        self._tasks: deque[Task] = deque()

    def __enter__(self) -> InlineExecutor:
        self._do = self._setup.open(WorkerContext())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do = None

    def free_slots(self) -> int:
        """One at a time."""
        return 1 - len(self._tasks)

    def submit(self, task: Task) -> None:
        """Keep it until somebody waits."""
        self._tasks.append(task)

    def wait(self, seconds: float | None = None) -> TaskResult | None:
        """Do the oldest task, however long it takes."""
        if not self._tasks:
            return None
        task = self._tasks.popleft()
        began = time.perf_counter()
        with recording() as record:
            try:
                result = self._do(task)
            except ClipError as error:
                result = error
        return TaskResult(task, result, "main", time.perf_counter() - began, record)

    def active(self) -> Sequence[ActiveTask]:
        """Always empty: while a task is done, nobody can ask."""
        return ()
