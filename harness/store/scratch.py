"""How entries of a store appear and disappear: built in scratch folders, placed and removed by one rename each."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from bench_lipsync.harness.store.entry import changed_files
from bench_lipsync.harness.store.leases import oldest_lease
from bench_lipsync.harness.util.disk import no_room, room_needed
from bench_lipsync.harness.util.files import discard, sync, sync_tree
from bench_lipsync.harness.util.output_marker import tag_cache
from bench_lipsync.harness.util.owner_token import is_abandoned, owned_name

SCRATCH = "tmp"
"""The folder below a store's root for unfinished entries and for entries that are being deleted."""


@contextlib.contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """An empty folder on the disk of the store at `root` that is gone afterwards.

    Raises `NoRoomError` if the disk is behind what is raised inside.
    """
    scratch = root / SCRATCH / owned_name()
    try:
        scratch.mkdir(parents=True)
        tag_cache(root)
    except OSError as error:
        raise no_room(root, error) from error
    try:
        with room_needed(root):
            yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def place(scratch: Path, entry: Path) -> None:
    """Rename a sealed folder to `entry` once all of it is on the disk; an entry that is there already stays."""
    sync_tree(scratch)  # Before the rename: after a loss of power an entry is complete or absent.
    fresh = not entry.parent.is_dir()
    entry.parent.mkdir(parents=True, exist_ok=True)
    try:
        scratch.rename(entry)
    except OSError:
        # Another process finished the same entry first; its content is ours by construction.
        if not entry.is_dir() or changed_files(entry):
            raise
    sync(entry.parent)
    if fresh:
        sync(entry.parent.parent)


def remove_atomically(root: Path, entry: Path, unless: Callable[[Path], bool]) -> bool:
    """Rename an entry away, then delete its files, unless `unless(tombstone)` holds once no other process can reach it.

    Readers see a complete entry or none. True if this call removed it.
    """
    tombstone = root / SCRATCH / owned_name()
    try:
        tombstone.parent.mkdir(parents=True, exist_ok=True)
        entry.rename(tombstone)
    except OSError:  # Another process was faster, or the store is read-only.
        return False
    # Between the caller's check and the rename the entry may have been used or repaired; from here on it cannot.
    if unless(tombstone):
        with contextlib.suppress(OSError):  # It was made again meanwhile; then the tombstone goes.
            tombstone.rename(entry)
            return False
    shutil.rmtree(tombstone, ignore_errors=True)
    return True


def sweep(root: Path) -> int:
    """Remove unfinished entries of ended processes of this machine; returns how many."""
    abandoned = [path for path in root.glob(f"{SCRATCH}/*") if is_abandoned(path.name)]
    for path in abandoned:
        discard(path)
    oldest_lease(root)  # Removes the leases of killed runs.
    return len(abandoned)
