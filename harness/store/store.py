"""The content-addressed stage store: a folder per result, named by the hash of everything that went into it.

An entry appears by one rename when it is complete and on the disk, so neither a killed process nor a loss of power
leaves anything that looks finished, and two processes that make the same entry at once both end with a whole one. It
lists its files with their sizes and hashes; one whose sizes differ is made again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.store.entry import (
    DEPTH,
    FAILURE_FILE,
    FILES_FILE,
    KEY_FILE,
    all_files,
    changed_files,
    entry_path,
    foreign_problems,
    raise_failure,
    seal,
    write_failure,
)
from bench_lipsync.harness.store.leases import lease
from bench_lipsync.harness.store.scratch import place, scratch_folder, sweep, take_away
from bench_lipsync.harness.util.disk import machine_error
from bench_lipsync.harness.util.files import link_or_copy
from bench_lipsync.harness.util.paths import cache_dir

__all__ = ["FAILURE_FILE", "FILES_FILE", "KEY_FILE", "Entry", "Store", "changed_files", "link_or_copy"]
logger = logging.getLogger("bench")


@dataclass(frozen=True)
class Entry:
    """A finished entry."""

    path: Path
    made: bool
    """True if this call computed it, False if it was there."""


class Store:
    """Entries live in `root/<stage>/<first two hex digits>/<key>/`."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or cache_dir() / "store"

    def find(self, stage: str, parts: Mapping[str, Any]) -> Path | None:
        """The entry's folder if it exists. Raises the `ClipError` that was stored in its place."""
        path = entry_path(self.root, stage, parts)
        if not self._has(path):
            return None
        with contextlib.suppress(OSError):  # A store that may only be read.
            os.utime(path / KEY_FILE)
        raise_failure(path)
        return path

    def make(
        self,
        stage: str,
        parts: Mapping[str, Any],
        build: Callable[[Path], None],
        remember: frozenset[Status] = frozenset(),
    ) -> Entry:
        """Return the entry for `parts`, calling `build(empty folder)` if it does not exist yet.

        A `ClipError` whose status is in `remember` is a property of the inputs: it is stored, so that the next run
        does not try again. Every other failure leaves nothing behind, and so does one that the machine is behind.
        Raises `NoRoomError` for a disk that takes nothing.
        """
        found = self.find(stage, parts)
        if found is not None:
            return Entry(found, made=False)
        path = entry_path(self.root, stage, parts)
        with scratch_folder(self.root) as scratch:
            try:
                build(scratch)
            except ClipError as error:
                if error.status in remember and not machine_error(error):
                    shutil.rmtree(scratch)
                    scratch.mkdir()
                    write_failure(scratch, error)
                    seal(scratch, parts)
                    self._publish(scratch, path)
                raise
            seal(scratch, parts)
            self._publish(scratch, path)
        return Entry(path, made=True)

    def adopt(self, entry: Path) -> Path:
        """Take over a finished entry of another store, as links where the file system allows it; returns ours.

        Raises `BenchError` for one that is not as it was written.
        """
        stage, _, key = entry.parts[-DEPTH:]
        ours = self.root / stage / key[:2] / key
        if self._has(ours):
            return ours
        with scratch_folder(self.root) as scratch:
            for name, path in all_files(entry).items():
                link_or_copy(path, scratch / name)
            if wrong := foreign_problems(scratch, stage, key):
                raise BenchError(f"{entry} is damaged ({wrong[0]}): run its shard again, then merge again")
            self._publish(scratch, ours)
        return ours

    def remove(self, entry: Path, unless: Callable[[Path], bool] = lambda entry: False) -> bool:
        """Take an entry away at once, whoever may be looking for it, then delete its files. True if it was this call.

        `unless` is asked again when nobody else can reach the entry; it then may come back. Does nothing where
        somebody else was faster, and where the store may only be read.
        """
        return take_away(self.root, entry, unless)

    def sweep(self) -> int:
        """Remove what ended processes of this machine left half made; returns how many. For the start of a run."""
        return sweep(self.root)

    @contextlib.contextmanager
    def lease(self) -> Iterator[None]:
        """Held by a run: what is used meanwhile is not removed to make room. Sweeps after workers that were lost."""
        with lease(self.root):
            try:
                yield
            finally:
                self.sweep()

    def ref(self, path: Path) -> str:
        """The name of an entry, or of a file in one, that is the same wherever the store lies: its path below the root.

        For example `score/ab/abc.../features.safetensors`.
        """
        return path.relative_to(self.root).as_posix()

    def file(self, ref: str) -> Path:
        """Where the entry or file with the name `ref` lies. Raises `BenchError` for a foreign name and a lost entry."""
        parts = PurePosixPath(ref).parts
        if len(parts) < DEPTH or ".." in parts or PurePosixPath(ref).is_absolute() or "\\" in ref:
            raise BenchError(f"{ref!r} is not the name of a result in the store; they look like score/ab/abcd.../file")
        path = self.root.joinpath(*parts)
        if not path.exists():
            self._fetch(self.root.joinpath(*parts[:DEPTH]))
        if not path.exists():
            raise BenchError(f"{self.root} has no {ref} (any more); the same command again makes it")
        return path

    def _has(self, entry: Path) -> bool:
        """Whether a whole entry is here, or could be fetched; takes a damaged one away."""
        if not entry.is_dir():
            self._fetch(entry)
        if not entry.is_dir():
            return False
        changed = changed_files(entry)
        if not changed:
            return True
        name = f"{entry.parent.parent.name}/{entry.name}"
        logger.warning("%s: %s is not as it was written; made again", name, changed[0])
        self.remove(entry, unless=lambda grave: not changed_files(grave))
        self._fetch(entry)
        return entry.is_dir() and not changed_files(entry)

    def _fetch(self, entry: Path) -> None:
        """Bring an entry that is not here from elsewhere; this store has no elsewhere."""

    def _share(self, scratch: Path, entry: Path) -> None:
        """Hand a sealed folder, which is about to become `entry`, to others; this store has no others."""

    def _publish(self, scratch: Path, path: Path) -> None:
        """Give a sealed folder its name, here and for others."""
        self._share(scratch, path)
        place(scratch, path)
