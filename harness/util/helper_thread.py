"""A thread that works for its caller and ends before the caller goes on, even through Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context

_ASK_AGAIN = 0.005
"""Seconds between two requests: the thread may have had no room for one, or Ctrl-C came in its midst."""


class HelperThread(threading.Thread):
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

    def end(self, ask: Callable[[], None]) -> None:
        """Call `ask` again and again until the thread has ended. What interrupts it meanwhile is raised after that.

        `ask` tells the thread to end, must not block, and is called at least once. An interrupted `Thread.join` is no
        help: up to Python 3.12 it takes the thread for ended, and what it still works with would be closed.
        """
        try:
            ask()
            while not self._over.wait(_ASK_AGAIN):
                ask()
            self.join()
        except BaseException:
            self.end(ask)
            raise
