"""How entries of a store come and go: made in scratch folders, placed by one rename, taken away by another."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from bench_lipsync.harness.store.entry import changed_files
from bench_lipsync.harness.store.leases import oldest_lease
from bench_lipsync.harness.util.disk import no_room, room_needed
from bench_lipsync.harness.util.files import discard, sync, sync_tree
from bench_lipsync.harness.util.owner_token import is_abandoned, owned_name

SCRATCH = "tmp"
"""The folder below a store's root for what is not finished, and for what is being deleted."""


@contextlib.contextmanager
def scratch_folder(root: Path) -> Iterator[Path]:
    """An empty folder on the disk of the store at `root` that is gone afterwards.

    Raises `NoRoomError` if the disk is behind what is raised inside.
    """
    scratch = root / SCRATCH / owned_name()
    try:
        scratch.mkdir(parents=True)
    except OSError as error:
        raise no_room(root, error) from error
    try:
        with room_needed(root):
            yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def place(scratch: Path, entry: Path) -> None:
    """Give a sealed folder its name when all of it is on the disk; somebody else's entry of that name stays."""
    sync_tree(scratch)
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


def take_away(root: Path, entry: Path, unless: Callable[[Path], bool]) -> bool:
    """Remove an entry by one rename, then delete its files, unless `unless` says no when nobody else can reach it."""
    grave = root / SCRATCH / owned_name()
    try:
        grave.parent.mkdir(parents=True, exist_ok=True)
        entry.rename(grave)
    except OSError:
        return False
    if unless(grave):
        with contextlib.suppress(OSError):  # It was made again meanwhile.
            grave.rename(entry)
            return False
    shutil.rmtree(grave, ignore_errors=True)
    return True


def sweep(root: Path) -> int:
    """Remove what ended processes of this machine left half made; returns how many."""
    left = [path for path in root.glob(f"{SCRATCH}/*") if is_abandoned(path.name)]
    for path in left:
        discard(path)
    oldest_lease(root)  # Takes the leases of killed runs away.
    return len(left)
