"""Writing behind: finished items are taken on by a thread of their own while the caller makes the next one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Generic, TypeVar

from bench_lipsync.harness.util.helper_thread import HelperThread
from bench_lipsync.harness.util.spans import span

T = TypeVar("T")


class Behind(Generic[T]):
    """Hands items to `take`, one after the other and in order, in another thread; at most `waiting` of them wait.

    A context manager. Left without an error, everything has been taken; left with one, what still waits is dropped;
    either way, and through Ctrl-C, the thread has ended. What `take` raises is raised by the next `put`, or at the
    latest on leaving, and nothing is taken after it. Items must not be changed once they are put.
    """

    def __init__(self, take: Callable[[T], None], waiting: int = 2) -> None:
        self._take = take
        self._queue: queue.Queue[T | None] = queue.Queue(maxsize=waiting)
        self._error: BaseException | None = None
        self._dropped = threading.Event()
        self._thread = HelperThread(self._work, "bench-behind")

    def __enter__(self) -> Behind[T]:
        self._thread.start()
        return self

    def put(self, item: T) -> None:
        """Pass `item` on; waits while the queue is full. Raises what `take` raised for one before it."""
        with span("wait for encoder"):
            self._queue.put(item)
        if self._error is not None:
            raise self._error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._dropped.set()
        with span("wait for encoder"):
            self._thread.end(self._no_more)
        if kind is None and self._error is not None:
            raise self._error

    def _no_more(self) -> None:
        with suppress(queue.Full):  # The thread makes room, and is told again.
            self._queue.put_nowait(None)

    def _work(self) -> None:
        """Always reads to the end, so that nobody waits for room in vain."""
        while (item := self._queue.get()) is not None:
            if self._error is None and not self._dropped.is_set():
                try:
                    self._take(item)
                except BaseException as error:
                    self._error = error
