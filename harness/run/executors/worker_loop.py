"""The inside of a worker: does one task at a time, and sends log lines and spans along with the result."""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_lipsync.harness.errors import BenchError, ClipError

if TYPE_CHECKING:
    from bench_lipsync.harness.util.spans import Record

logger = logging.getLogger("bench_lipsync")
OVER_MEMORY = 87
"""Exit status of a worker that took more memory than it may."""
_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Reply:
    """A worker's answer to a task, or to its own start."""

    result: Any = None
    stop: str = ""
    """Message of a `BenchError`: the run cannot go on."""
    bug: str = ""
    """Traceback of an unexpected error."""
    log: tuple[tuple[int, str], ...] = ()
    """Level and text of what was logged."""
    record: Record | None = None
    seconds: float = 0.0


class _LogBuffer(logging.Handler):
    """Keeps log records as text."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.lines.append((record.levelno, self.format(record)))


def run_one(do: Callable[[Any], Any], task: Any) -> Reply:
    """Do `task`; every outcome, errors included, becomes a reply."""
    from bench_lipsync.harness.util.spans import recording

    kept = _LogBuffer()
    logger.addHandler(kept)
    propagate, logger.propagate = logger.propagate, False
    began = time.perf_counter()
    result: Any = None
    stop = bug = ""
    try:
        with recording() as record:
            try:
                result = do(task)
            except ClipError as error:
                result = ClipError(error.status, error.reason)
            except BenchError as error:
                stop = str(error)
            except Exception:
                bug = traceback.format_exc()
    finally:
        logger.removeHandler(kept)
        logger.propagate = propagate
    return Reply(result, stop, bug, tuple(kept.lines), record, time.perf_counter() - began)


def open_setup(open_: Callable[[], Callable[[Any], Any]]) -> Callable[[Any], Any] | Reply:
    """The function that does tasks, or a reply with the reason why there is none."""
    try:
        return open_()
    except BenchError as error:
        return Reply(stop=str(error))
    except Exception:
        return Reply(bug=traceback.format_exc())


class MemoryWatch:
    """Ends this process once it and its children hold more than `limit` bytes; the number is written to `note`.

    A thread polls the resident memory: a limit of the operating system on the address space would stop networks that
    merely reserve it, as those on a GPU do.
    """

    def __init__(self, limit: int, note: Path) -> None:
        self._limit = limit
        self._note = note
        threading.Thread(target=self._watch, name="bench-memory", daemon=True).start()

    def _watch(self) -> None:
        held = wait_for_excess(self._limit)
        with suppress(OSError):
            self._note.parent.mkdir(parents=True, exist_ok=True)
            self._note.write_text(str(held), encoding="ascii")
        os._exit(OVER_MEMORY)


def wait_for_excess(limit: int) -> int:
    """Block until this process and its children hold more than `limit` bytes; returns how many."""
    import psutil

    own = psutil.Process()
    while True:
        held = 0
        for process in (own, *own.children(recursive=True)):
            with suppress(psutil.Error):
                held += process.memory_info().rss
        if held > limit:
            return held
        time.sleep(_POLL_SECONDS)


def memory_excess(held: int) -> str:
    """The reason why a worker was ended for its memory."""
    return f"held {held / 1e9:.2f} GB of memory, more than --clip-memory allows"
