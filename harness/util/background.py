"""Reading ahead and writing behind in a thread of their own, while the caller works on the item between.

Decoding, array copies and networks release Python's lock, so both sides really run at the same time.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from types import TracebackType
from typing import Generic, TypeVar

from bench_lipsync.harness.util.spans import span

T = TypeVar("T")
_STOP_INTERVAL = 0.005
"""Seconds between two requests to stop: the queue may have been full, or Ctrl-C came in the middle of one."""


class InterruptSafeThread(threading.Thread):
    """Does `work` in the caller's context, so that spans in it belong to the caller's task."""

    def __init__(self, work: Callable[[], None], name: str) -> None:
        super().__init__(target=copy_context().run, args=(work,), name=name, daemon=True)
        self._over = threading.Event()

    def run(self) -> None:
        """What `start` begins."""
        try:
            super().run()
        finally:
            self._over.set()

    def end(self, request_stop: Callable[[], None]) -> None:
        """Call `request_stop` repeatedly until the thread has ended; an interrupt meanwhile is raised after that.

        `request_stop` must not block, and is called at least once.
        """
        try:
            request_stop()
            # Not `Thread.join`: interrupted up to Python 3.12, it takes the thread for ended, and what the thread still
            # works with would be closed.
            while not self._over.wait(_STOP_INTERVAL):
                request_stop()
            self.join()
        except BaseException:
            self.end(request_stop)
            raise


class BackgroundWriter(Generic[T]):
    """Passes items to `write` in another thread, in order; at most `waiting` of them are queued.

    A context manager. Left without an error, everything has been written; left with one, what is still queued is
    dropped; either way, and through Ctrl-C, the thread has ended. An error of `write` is raised by the next `put`, or
    at the latest on leaving, and nothing is written after it. Items must not be changed once they are put.
    """

    def __init__(self, write: Callable[[T], None], waiting: int = 2) -> None:
        self._write = write
        self._queue: queue.Queue[T | None] = queue.Queue(maxsize=waiting)  # None: no more items
        self._error: BaseException | None = None
        self._dropped = threading.Event()
        self._thread = InterruptSafeThread(self._work, "bench-behind")

    def __enter__(self) -> BackgroundWriter[T]:
        self._thread.start()
        return self

    def put(self, item: T) -> None:
        """Queue `item`; waits while the queue is full. Raises what `write` raised for an earlier one."""
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
            self._thread.end(self._request_stop)
        if kind is None and self._error is not None:
            raise self._error

    def _request_stop(self) -> None:
        with suppress(queue.Full):  # The thread makes room, and this is called again.
            self._queue.put_nowait(None)

    def _work(self) -> None:
        """Drain the queue even after an error, so that producers never block."""
        while (item := self._queue.get()) is not None:
            if self._error is None and not self._dropped.is_set():
                try:
                    self._write(item)
                except BaseException as error:
                    self._error = error


class _End:
    """Follows the last item: the source is exhausted, or raised `error`."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Prefetch(Generic[T]):
    """An iterator over `items` that stays at most `ahead` finished items in front of the reader.

    A context manager: however it is left, through Ctrl-C as well, the thread has ended and `items`, if it is a
    generator, is closed. Order and items are those of `items`; what it raises is raised by the reader's `next`, after
    the items before it.
    """

    def __init__(self, items: Iterator[T], ahead: int = 2) -> None:
        self._items = items
        self._queue: queue.Queue[T | _End] = queue.Queue(maxsize=ahead)
        self._stopped = threading.Event()
        self._thread = InterruptSafeThread(self._work, "bench-prefetch")
        self._exhausted = False

    def __enter__(self) -> Prefetch[T]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.end(self._request_stop)

    def __iter__(self) -> Prefetch[T]:
        return self

    def __next__(self) -> T:
        if self._exhausted:
            raise StopIteration
        with span("wait for frames"):
            item = self._queue.get()
        if not isinstance(item, _End):
            return item
        self._exhausted = True
        if item.error is not None:
            raise item.error
        raise StopIteration

    def _request_stop(self) -> None:
        self._stopped.set()
        while not self._queue.empty():  # Wakes a thread that is blocked in `put`; it then sees the event.
            self._queue.get_nowait()

    def _work(self) -> None:
        end = _End()
        try:
            for item in self._items:
                if self._stopped.is_set():
                    break
                self._queue.put(item)
                if self._stopped.is_set():
                    break
        except BaseException as error:
            end = _End(error)
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
            if not self._stopped.is_set():
                self._queue.put(end)
