"""The content-addressed stage store: a folder per result, named by the hash of everything that went into it.

An entry appears by one rename when it is complete, so a killed process leaves nothing that looks finished, and two
processes that make the same entry at once both end with a whole one.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.files import sha256_json
from harness.paths import cache_dir
from harness.status import ClipError, Status

KEY_FILE = "key.json"
FAILURE_FILE = "failure.json"


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

    def _path(self, stage: str, parts: Mapping[str, Any]) -> Path:
        key = sha256_json({"stage": stage, **parts})
        return self.root / stage / key[:2] / key

    @staticmethod
    def _publish(scratch: Path, path: Path, parts: Mapping[str, Any]) -> None:
        (scratch / KEY_FILE).write_text(json.dumps(parts, indent=1, sort_keys=True), encoding="utf-8")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            scratch.rename(path)
        except OSError:
            # Another process finished the same entry first; its content is ours by construction.
            if not path.is_dir():
                raise


def link_or_copy(source: Path, target: Path) -> None:
    """Put a store file into a run folder without a second copy on disk where the file system allows it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        os.link(source, fresh)
    except OSError:
        shutil.copyfile(source, fresh)
    fresh.replace(target)
