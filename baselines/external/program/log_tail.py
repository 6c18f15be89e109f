"""The last lines that a program printed, kept in bounded memory however much it prints."""

from __future__ import annotations

import re
from collections import deque
from threading import Lock

KEPT_BYTES = 1 << 18
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)")
_PROGRESS = re.compile(r"^.*?\d+%\|.*\|.*$|^\W*$|\b\d+(\.\d+)?\s*(it/s|s/it)\b")
"""Progress bars, and lines of dashes and dots: they say nothing about what went wrong."""
_LONGEST = 240


class LogTail:
    """Filled by one thread, read by another."""

    def __init__(self, kept: int = KEPT_BYTES) -> None:
        self._blocks: deque[bytes] = deque()
        self._size, self._kept, self._lock = 0, kept, Lock()

    def write(self, block: bytes) -> None:
        """Add what was printed; the oldest is forgotten beyond the limit."""
        with self._lock:
            self._blocks.append(block)
            self._size += len(block)
            while self._size - len(self._blocks[0]) > self._kept:
                self._size -= len(self._blocks.popleft())

    def lines(self, count: int = 40) -> list[str]:
        """The last lines, without colours, without what a carriage return overwrote, without control characters."""
        with self._lock:
            text = b"".join(self._blocks)[-self._kept :].decode("utf-8", "replace")
        shown = (_plain(line.rstrip("\r").rpartition("\r")[2]) for line in text.split("\n"))
        return [line for line in shown if line][-count:]

    def last_words(self) -> str:
        """The last line that says something, for a reason of one line; empty if there is none."""
        said = [line for line in self.lines(200) if not _PROGRESS.search(line)]
        return said[-1].strip()[:_LONGEST] if said else ""


def _plain(line: str) -> str:
    bare = _ESCAPES.sub("", line)
    return "".join(letter if letter.isprintable() else " " for letter in bare).rstrip()
