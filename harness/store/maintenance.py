"""Looking after the store: what is in it, whether it is whole, and making room."""

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
"""Seconds within which an entry was used that is never removed: somebody may be about to read it."""
LEFT_OVER = 24 * 3600.0
"""Seconds after which what a run on another machine left half made is removed."""
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
    """When it was made or last found, in seconds of the system's clock."""


@dataclass(frozen=True)
class Removed:
    """What making room took away, or would."""

    entries: tuple[StoredEntry, ...]
    left_over: int
    """Half-made entries of killed runs."""

    @property
    def bytes(self) -> int:
        """Of all entries that were taken."""
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

    `stage` looks at one stage only. What was used within the last hour stays, and what was used since the oldest of
    the runs that go on now began. Files that a run folder shares lose only their name here. `dry` only says what would
    go.
    """
    now = time.time()
    held = min(now - RECENT, (oldest_lease(store.root) or now) - _CLOCKS)
    known = [entry for entry in entries(store) if stage in (None, entry.stage)]
    total = sum(entry.bytes for entry in known)
    taken = []
    for entry in sorted(known, key=lambda entry: entry.used):
        if entry.used > held:
            break
        too_old = max_age is not None and now - entry.used > max_age
        too_much = max_bytes is not None and total > max_bytes
        if too_old or too_much:
            taken.append(entry)
            total -= entry.bytes
    left_over = [path for path in (store.root / SCRATCH).glob("*") if _left_over(path, now)]
    left_over += [path for path in (store.root / "adapting").glob("*/") if _given_up(path, now)]
    if not dry:
        taken = [entry for entry in taken if _take(store, entry)]
        for path in left_over:
            discard(path)
    return Removed(tuple(taken), len(left_over))


def _take(store: Store, entry: StoredEntry) -> bool:
    """Remove an entry unless it was used since we looked."""
    return store.remove(entry.path, unless=lambda grave: (grave / KEY_FILE).stat().st_mtime > entry.used)


def _given_up(adaptation: Path, now: float) -> bool:
    """Whether nobody has gone on with an adaptation for a day; it saves where it is every few steps."""
    with contextlib.suppress(FileNotFoundError):
        return now - max(path.stat().st_mtime for path in (adaptation, *adaptation.iterdir())) > LEFT_OVER
    return False


def _left_over(path: Path, now: float) -> bool:
    """Whether its maker has ended, as far as that can be told: after a day for processes of other machines."""
    with contextlib.suppress(FileNotFoundError):
        return is_abandoned(path.name) or (not is_alive(path.name) and now - path.stat().st_mtime > LEFT_OVER)
    return False
