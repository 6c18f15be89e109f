"""The content-addressed stage store: a folder per result, named by the hash of everything that went into it.

An entry appears by one rename once it is complete and on the disk, so neither a killed process nor a loss of power
leaves anything that looks finished, and two processes that make the same entry at once both end with a complete one.
It lists its files with their sizes and hashes; an entry whose sizes differ is made again.
"""

from __future__ import annotations

import contextlib
import json
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
from bench_lipsync.harness.store.scratch import place, remove_atomically, scratch_folder, sweep
from bench_lipsync.harness.util.disk import machine_error
from bench_lipsync.harness.util.files import link_or_copy
from bench_lipsync.harness.util.paths import cache_dir

__all__ = ["FAILURE_FILE", "FILES_FILE", "KEY_FILE", "Entry", "Store", "changed_files", "link_or_copy"]
logger = logging.getLogger(__name__)


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
        """Return the entry for `parts`, building it if it does not exist yet.

        Args:
            stage: Kind of the entry; the first part of its path.
            parts: Everything that the result depends on, as JSON; its hash names the entry.
            build: Called with an empty folder to write the entry's files to.
            remember: Statuses that are a property of the inputs: such a `ClipError` is stored in the entry's place, so
                that the next run does not try again. Every other failure leaves nothing behind, and so does one whose
                cause is the machine.

        Raises:
            ClipError: What `build` raised, now or in an earlier run.
            NoRoomError: The disk is full or read-only.

        """
        if (existing := self.find(stage, parts)) is not None:
            return Entry(existing, made=False)
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
        """Link or copy a finished entry of another store into this one; returns its path here.

        Raises `BenchError` for an entry whose files have changed.
        """
        stage, _, key = entry.parts[-DEPTH:]
        own = self.root / stage / key[:2] / key
        if self._has(own):
            return own
        with scratch_folder(self.root) as scratch:
            for name, path in all_files(entry).items():
                link_or_copy(path, scratch / name)
            if wrong := foreign_problems(scratch, stage, key):
                raise BenchError(f"{entry} is damaged ({wrong[0]}): run its shard again, then merge again")
            self._publish(scratch, own)
        return own

    def remove(self, entry: Path, unless: Callable[[Path], bool] = lambda entry: False) -> bool:
        """Remove an entry by one rename, then delete its files. True if this call removed it.

        `unless` gets the renamed entry, which no other process can reach any more; where it returns True the entry
        comes back. Does nothing if another process was faster or the store is read-only.
        """
        return remove_atomically(self.root, entry, unless)

    def sweep(self) -> int:
        """Remove unfinished entries of ended processes of this machine; returns how many. For the start of a run."""
        return sweep(self.root)

    @contextlib.contextmanager
    def lease(self) -> Iterator[None]:
        """Held by a run: entries that it uses are not removed to make room. Sweeps after lost workers at the end."""
        with lease(self.root):
            try:
                yield
            finally:
                self.sweep()

    @staticmethod
    def content_hash(file: Path) -> str:
        """The hash of everything that went into the entry that directly holds `file`."""
        return file.parent.name

    @staticmethod
    def inputs(entry: Path) -> dict[str, Any]:
        """The `parts` that an entry was made from; empty for a folder that is no entry."""
        key = entry / KEY_FILE
        return dict(json.loads(key.read_text(encoding="utf-8"))) if key.is_file() else {}

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
        """Whether a complete entry is here, or could be fetched; removes a damaged one."""
        if not entry.is_dir():
            self._fetch(entry)
        if not entry.is_dir():
            return False
        changed = changed_files(entry)
        if not changed:
            return True
        name = f"{entry.parent.parent.name}/{entry.name}"
        logger.warning("%s: %s is not as it was written; made again", name, changed[0])
        self.remove(entry, unless=lambda tombstone: not changed_files(tombstone))
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
