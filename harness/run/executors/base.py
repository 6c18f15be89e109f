"""The contract between a run and what carries out its tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from bench_lipsync.harness.util.spans import Record


class Task(Protocol):
    """A task: picklable, with the same result wherever and whenever it is done."""

    @property
    def stage(self) -> str:
        """The stage of the run: `prepare`, or the name of a row."""
        ...

    @property
    def title(self) -> str:
        """Description for the progress display: `prepare clip_013`."""
        ...


@dataclass(frozen=True)
class WorkerContext:
    """Which of the workers this one is."""

    index: int = 0
    """0 for the first; also picks the GPU where a machine has several."""
    alone: bool = True
    """Whether it is the driver's own process."""


class Setup(Protocol):
    """From which a worker makes what it needs; picklable."""

    def open(self, context: WorkerContext) -> Callable[[Any], Any]:
        """Called once in each worker; returns the function that does a task. Raises `BenchError` if there is none."""
        ...


@dataclass(frozen=True)
class TaskResult:
    """The end of a task."""

    task: Any
    result: Any
    """What the task returned; a `ClipError` if it failed or was stopped."""
    worker: str = ""
    seconds: float = 0.0
    record: Record | None = None
    """Where the time went."""


@dataclass(frozen=True)
class ActiveTask:
    """A task that a worker is doing."""

    worker: str
    stage: str
    """Empty while the worker starts."""
    title: str
    since: float
    """In seconds of `time.monotonic`."""


class Executor(Protocol):
    """Carries out tasks, in any order and several at once.

    A context manager: however it is left, no task goes on.
    """

    def free_slots(self) -> int:
        """How many more tasks it can begin now; more than that would only wait."""
        ...

    def submit(self, task: Task) -> None:
        """Accept a task."""
        ...

    def wait(self, seconds: float | None = None) -> TaskResult | None:
        """The next task that ends, or `None` after `seconds`. Raises `BenchError` if the run cannot go on."""
        ...

    def active(self) -> Sequence[ActiveTask]:
        """What is being done now, for the progress display."""
        ...

    def __enter__(self) -> Executor: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
