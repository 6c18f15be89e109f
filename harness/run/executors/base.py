"""What a run asks of whatever carries out its tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from bench_lipsync.harness.util.spans import Record


class Task(Protocol):
    """Something to do: picklable, and the same result wherever and whenever it is done."""

    @property
    def stage(self) -> str:
        """The part of the run that it belongs to: `prepare`, or the name of a row."""
        ...

    @property
    def title(self) -> str:
        """What is being done, for the progress view: `prepare clip_013`."""
        ...


@dataclass(frozen=True)
class Place:
    """Which of the workers one is."""

    index: int = 0
    """0 for the first; also picks the GPU where a machine has several."""
    alone: bool = True
    """Whether it is the run's own process."""


class Setup(Protocol):
    """From which a worker makes what it works with; picklable."""

    def open(self, place: Place) -> Callable[[Any], Any]:
        """Called once in each worker; returns what does a task. Raises `BenchError` where nothing can be done."""
        ...


@dataclass(frozen=True)
class Finished:
    """A task that ended."""

    task: Any
    result: Any
    """What doing it returned; a `ClipError` where it ended in one, or was stopped."""
    worker: str = ""
    seconds: float = 0.0
    record: Record | None = None
    """Where the time went."""


@dataclass(frozen=True)
class Doing:
    """What a worker is busy with."""

    worker: str
    stage: str
    """Empty for one that belongs to none."""
    title: str
    since: float
    """In seconds of `time.monotonic`."""


class Executor(Protocol):
    """Carries out tasks in any order and any number at once. A context manager: left in any way, nothing goes on."""

    def room(self) -> int:
        """How many more tasks it can use now; more than that would only wait."""
        ...

    def submit(self, task: Task) -> None:
        """Take a task."""
        ...

    def wait(self, seconds: float | None = None) -> Finished | None:
        """The next task that ends, or `None` after `seconds`. Raises `BenchError` for what ends the run."""
        ...

    def doing(self) -> Sequence[Doing]:
        """What is being done now."""
        ...

    def __enter__(self) -> Executor: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
