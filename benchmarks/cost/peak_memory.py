"""Peak memory: of this process since a moment, and of a process with all its children while it runs."""

from __future__ import annotations

import resource
import sys
import threading
from pathlib import Path


def reset_peak() -> None:
    """Forget this process's peak; Linux only, elsewhere the peak stays that of the whole process."""
    clear = Path("/proc/self/clear_refs")
    if clear.is_file():
        clear.write_text("5", encoding="ascii")


def peak_mb() -> float:
    """Largest resident memory of this process since `reset_peak`, in MB."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


class TreePeak:
    """Watches a process and all its descendants from a thread; Linux only.

    Proportional set sizes: memory that several processes share counts once.
    """

    def __init__(self, pid: int, every: float = 0.5) -> None:
        self.mb = 0.0
        """Largest sum so far."""
        self.processes = 0
        """Most processes at once."""
        self._pid, self._every = pid, every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> TreePeak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(self._every):
            sizes = [size for pid in _tree(self._pid) if (size := _proportional(pid))]
            self.mb = max(self.mb, sum(sizes))
            self.processes = max(self.processes, len(sizes))


def _tree(root: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue  # It has ended.
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def _proportional(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("Pss:")), 0.0)
