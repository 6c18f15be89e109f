"""What happens inside a worker: one task at a time, its log lines and time records sent along with its result."""

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

logger = logging.getLogger("bench")
OVER_MEMORY = 87
"""Exit status of a worker that took more memory than it may."""
_LOOK_EVERY_SECONDS = 0.25


@dataclass(frozen=True)
class Reply:
    """What a worker says about a task, or, without one, about its own start."""

    result: Any = None
    stop: str = ""
    """The message of a `BenchError`: the run cannot go on."""
    bug: str = ""
    """The traceback of an error that nobody foresaw."""
    log: tuple[tuple[int, str], ...] = ()
    """Level and text of what was logged."""
    record: Record | None = None
    seconds: float = 0.0


class _Kept(logging.Handler):
    """Keeps log records as text."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.lines.append((record.levelno, self.format(record)))


def run_one(do: Callable[[Any], Any], task: Any) -> Reply:
    """Do `task`; whatever happens becomes a reply."""
    from bench_lipsync.harness.util.spans import recording

    kept = _Kept()
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
    """What does the tasks, or the reply that says why nothing can."""
    try:
        return open_()
    except BenchError as error:
        return Reply(stop=str(error))
    except Exception:
        return Reply(bug=traceback.format_exc())


class MemoryWatch:
    """Ends this process once it and its children hold more than `limit` bytes; `note` then says how many.

    A thread that looks at the resident memory a few times a second: a limit of the operating system on addresses would
    stop networks that merely reserve them, as those on a GPU do.
    """

    def __init__(self, limit: int, note: Path) -> None:
        self._limit = limit
        self._note = note
        threading.Thread(target=self._look, name="bench-memory", daemon=True).start()

    def _look(self) -> None:
        held = wait_for_excess(self._limit)
        with suppress(OSError):
            self._note.parent.mkdir(parents=True, exist_ok=True)
            self._note.write_text(str(held), encoding="ascii")
        os._exit(OVER_MEMORY)


def wait_for_excess(limit: int) -> int:
    """Return only once this process and its children hold more than `limit` bytes; how many, then."""
    import psutil

    own = psutil.Process()
    while True:
        held = 0
        for process in (own, *own.children(recursive=True)):
            with suppress(psutil.Error):
                held += process.memory_info().rss
        if held > limit:
            return held
        time.sleep(_LOOK_EVERY_SECONDS)


def memory_excess(held: int) -> str:
    """What to tell a reader of a worker that was ended by it."""
    return f"held {held / 1e9:.2f} GB of memory, more than --clip-memory allows"
