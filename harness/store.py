"""The content-addressed stage store: a folder per result, named by the hash of everything that went into it.

An entry appears by one rename when it is complete, so a killed process leaves nothing that looks finished, and two
processes that make the same entry at once both end with a whole one. It lists its files with their sizes and hashes;
one whose sizes differ, as after a power failure, is made again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from harness.files import sha256_file, sha256_json
from harness.paths import cache_dir
from harness.status import BenchError, ClipError, Status

logger = logging.getLogger("bench")

KEY_FILE = "key.json"
"""What went into an entry; its time stamp says when the entry was last used."""
FILES_FILE = "files.json"
"""Every file of an entry by its relative path, as `[bytes, sha256]`."""
FAILURE_FILE = "failure.json"
ENTRY_DEPTH = 3
"""Parts of an entry's name: stage, two hex digits, key."""


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
        path = self._path(stage, parts)
        if not path.is_dir():
            return None
        if changed := changed_files(path):
            logger.warning("%s/%s: %s is not as it was written; made again", stage, path.name, changed[0])
            self.remove(path)
            return None
        with contextlib.suppress(OSError):  # A store that may only be read.
            os.utime(path / KEY_FILE)
        failure = path / FAILURE_FILE
        if failure.is_file():
            record = json.loads(failure.read_text(encoding="utf-8"))
            raise ClipError(Status(record["status"]), record["reason"])
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
        does not try again. Every other failure leaves nothing behind.
        """
        found = self.find(stage, parts)
        if found is not None:
            return Entry(found, made=False)
        path = self._path(stage, parts)
        scratch = self.root / "tmp" / uuid.uuid4().hex
        scratch.mkdir(parents=True)
        try:
            try:
                build(scratch)
            except ClipError as error:
                if error.status in remember:
                    shutil.rmtree(scratch)
                    scratch.mkdir()
                    record = {"status": error.status.value, "reason": error.reason}
                    (scratch / FAILURE_FILE).write_text(json.dumps(record), encoding="utf-8")
                    self._publish(scratch, path, parts)
                raise
            self._publish(scratch, path, parts)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return Entry(path, made=True)

    def remove(self, entry: Path) -> None:
        """Take an entry away at once, whoever may be looking for it, then delete its files."""
        grave = self.root / "tmp" / uuid.uuid4().hex
        grave.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # Somebody else was faster.
            entry.rename(grave)
        shutil.rmtree(grave, ignore_errors=True)

    def ref(self, path: Path) -> str:
        """The name of an entry, or of a file in one, that is the same wherever the store lies: its path below the root.

        For example `score/ab/abc.../features.npz`.
        """
        return path.relative_to(self.root).as_posix()

    def file(self, ref: str) -> Path:
        """Where the entry or file with the name `ref` lies. Raises `BenchError` for a foreign name and a lost entry."""
        parts = PurePosixPath(ref).parts
        if len(parts) < ENTRY_DEPTH or ".." in parts or PurePosixPath(ref).is_absolute() or "\\" in ref:
            raise BenchError(f"{ref!r} is not the name of a result in the store; they look like score/ab/abcd.../file")
        entry = self.root.joinpath(*parts[:ENTRY_DEPTH])
        path = self.root.joinpath(*parts)
        if not path.exists():
            self._fetch(entry)
        if not path.exists():
            raise BenchError(f"{self.root} has no {ref} (any more); the same command again makes it")
        return path

    def _fetch(self, entry: Path) -> None:
        """Bring an entry that is not here from elsewhere; this store has no elsewhere."""

    def _path(self, stage: str, parts: Mapping[str, Any]) -> Path:
        key = sha256_json({"stage": stage, **parts})
        return self.root / stage / key[:2] / key

    @staticmethod
    def _publish(scratch: Path, path: Path, parts: Mapping[str, Any]) -> None:
        listed = {name: [path.stat().st_size, sha256_file(path)] for name, path in _files(scratch).items()}
        (scratch / FILES_FILE).write_text(json.dumps(listed), encoding="utf-8")
        (scratch / KEY_FILE).write_text(json.dumps(parts, indent=1, sort_keys=True), encoding="utf-8")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            scratch.rename(path)
        except OSError:
            # Another process finished the same entry first; its content is ours by construction.
            if not path.is_dir():
                raise


def changed_files(entry: Path, *, hashes: bool = False) -> list[str]:
    """Names of the files of an entry that are missing or have another size; with `hashes`, also other content.

    Entries from before files were listed have none.
    """
    try:
        listed: dict[str, list[Any]] = json.loads((entry / FILES_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except ValueError:
        return [FILES_FILE]
    return [name for name, facts in listed.items() if not _unchanged(entry / name, *facts, hashes=hashes)]


def _unchanged(path: Path, size: int, digest: str, *, hashes: bool) -> bool:
    if not path.is_file() or path.stat().st_size != size:
        return False
    return not hashes or sha256_file(path) == digest


def _files(folder: Path) -> dict[str, Path]:
    """Every file below `folder` by its path from there."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in found}


def link_or_copy(source: Path, target: Path) -> None:
    """Put a store file into a run folder without a second copy on disk where the file system allows it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        os.link(source, fresh)
    except OSError:
        shutil.copyfile(source, fresh)
    fresh.replace(target)
