"""Maintenance of the store: listing, verification and garbage collection."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench_lipsync.harness.store import entry as store_entry
from bench_lipsync.harness.store.leases import LEASES, oldest_lease
from bench_lipsync.harness.store.scratch import SCRATCH
from bench_lipsync.harness.store.store import KEY_FILE, Store
from bench_lipsync.harness.util.files import discard
from bench_lipsync.harness.util.owner_token import is_abandoned, is_alive

RECENT = 3600.0
"""Entries used within so many seconds are never removed: a process may be about to read them."""
LEFT_OVER = 24 * 3600.0
"""Seconds after which unfinished entries of other machines are removed."""
_CLOCKS = 60.0
"""Seconds by which the clocks of the machines that share a store may differ."""
_NOT_STAGES = frozenset({SCRATCH, "adapting", LEASES})


@dataclass(frozen=True)
class StoredEntry:
    """One entry as it lies on disk."""

    stage: str
    path: Path
    bytes: int
    used: float
    """When it was made or last used, in seconds since 1970."""


@dataclass(frozen=True)
class Removed:
    """What `make_room` removed, or would."""

    entries: tuple[StoredEntry, ...]
    left_over: int
    """Half-made entries of killed runs."""

    @property
    def bytes(self) -> int:
        """Of all removed entries."""
        return sum(entry.bytes for entry in self.entries)


def entries(store: Store) -> Iterator[StoredEntry]:
    """Every finished entry, stage by stage."""
    for stage in sorted(path for path in store.root.glob("*") if path.is_dir() and path.name not in _NOT_STAGES):
        for entry in sorted(stage.glob("??/*")):
            key = entry / KEY_FILE
            if key.is_file():
                size = sum(path.stat().st_size for path in entry.rglob("*") if path.is_file())
                yield StoredEntry(stage.name, entry, size, key.stat().st_mtime)


def problems(entry: StoredEntry) -> list[str]:
    """What is wrong with an entry, in words."""
    return store_entry.problems(entry.path, entry.stage, entry.path.name)


def make_room(
    store: Store,
    *,
    max_bytes: int | None = None,
    max_age: float | None = None,
    stage: str | None = None,
    dry: bool = False,
) -> Removed:
    """Remove entries not used for `max_age` seconds, then the longest unused until `max_bytes` remain.

    Entries used within the last hour stay, and so does everything used since the oldest running run began. Files that
    a run folder shares by hard links lose only their name here.

    Args:
        store: The store.
        max_bytes: Size to shrink to; `None`: no limit.
        max_age: Seconds; `None`: no limit.
        stage: Only this stage; `None`: all.
        dry: Remove nothing, only report.

    """
    now = time.time()
    # An entry in use has no lock of its own: its time stamp and the leases of running runs protect it.
    protected_since = min(now - RECENT, (oldest_lease(store.root) or now) - _CLOCKS)
    known = [entry for entry in entries(store) if stage in (None, entry.stage)]
    total = sum(entry.bytes for entry in known)
    removed = []
    for entry in sorted(known, key=lambda entry: entry.used):
        if entry.used > protected_since:
            break
        too_old = max_age is not None and now - entry.used > max_age
        too_much = max_bytes is not None and total > max_bytes
        if too_old or too_much:
            removed.append(entry)
            total -= entry.bytes
    left_over = [path for path in (store.root / SCRATCH).glob("*") if _left_over(path, now)]
    left_over += [path for path in (store.root / "adapting").glob("*/") if _given_up(path, now)]
    if not dry:
        removed = [entry for entry in removed if _remove(store, entry)]
        for path in left_over:
            discard(path)
    return Removed(tuple(removed), len(left_over))


def _remove(store: Store, entry: StoredEntry) -> bool:
    """Remove an entry unless it was used since it was listed."""
    return store.remove(entry.path, unless=lambda tombstone: (tombstone / KEY_FILE).stat().st_mtime > entry.used)


def _given_up(adaptation: Path, now: float) -> bool:
    """Whether an adaptation, which saves its state every few steps, has not been continued for a day."""
    with contextlib.suppress(FileNotFoundError):
        return now - max(path.stat().st_mtime for path in (adaptation, *adaptation.iterdir())) > LEFT_OVER
    return False


def _left_over(path: Path, now: float) -> bool:
    """Whether its process has ended; for other machines' processes that is assumed after a day."""
    with contextlib.suppress(FileNotFoundError):
        return is_abandoned(path.name) or (not is_alive(path.name) and now - path.stat().st_mtime > LEFT_OVER)
    return False
