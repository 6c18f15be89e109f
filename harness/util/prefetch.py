"""Reading ahead: the next items are made in a thread of their own while the caller works on the last one.

Decoding, array copies and networks let go of Python's lock, so the two really run side by side.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

from bench_lipsync.harness.util.helper_thread import HelperThread
from bench_lipsync.harness.util.spans import span

T = TypeVar("T")


class _End:
    """What follows the last item: nothing more, or the error that ended it."""

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
        self._left = threading.Event()
        self._thread = HelperThread(self._work, "bench-prefetch")
        self._done = False

    def __enter__(self) -> Prefetch[T]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.end(self._nobody_reads)

    def __iter__(self) -> Prefetch[T]:
        return self

    def __next__(self) -> T:
        if self._done:
            raise StopIteration
        with span("wait for frames"):
            item = self._queue.get()
        if not isinstance(item, _End):
            return item
        self._done = True
        if item.error is not None:
            raise item.error
        raise StopIteration

    def _nobody_reads(self) -> None:
        self._left.set()
        while not self._queue.empty():  # A thread that waits for room gets some, and then sees that nobody reads.
            self._queue.get_nowait()

    def _work(self) -> None:
        end = _End()
        try:
            for item in self._items:
                if self._left.is_set():
                    break
                self._queue.put(item)
                if self._left.is_set():
                    break
        except BaseException as error:
            end = _End(error)
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
            if not self._left.is_set():
                self._queue.put(end)
