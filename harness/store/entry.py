"""The content of a finished entry: its files, their list with sizes and hashes, and its key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.util.files import sha256_file, sha256_json

KEY_FILE = "key.json"
"""What went into an entry; its time stamp says when the entry was last used."""
FILES_FILE = "files.json"
"""Every file of an entry by its relative path, as `[bytes, sha256]`."""
FAILURE_FILE = "failure.json"
DEPTH = 3
"""Parts of an entry's path below the store's root: stage, two hex digits, key."""


def entry_path(root: Path, stage: str, parts: Mapping[str, Any]) -> Path:
    """Where the entry for `parts` belongs."""
    key = entry_key(stage, parts)
    return root / stage / key[:2] / key


def entry_key(stage: str, parts: Mapping[str, Any]) -> str:
    """The hash that names an entry."""
    return sha256_json({"stage": stage, **parts})


def seal(folder: Path, parts: Mapping[str, Any]) -> None:
    """Add the list of its files and its key to a folder that is to become an entry."""
    listed = {name: [path.stat().st_size, sha256_file(path)] for name, path in all_files(folder).items()}
    (folder / FILES_FILE).write_text(json.dumps(listed), encoding="utf-8")
    (folder / KEY_FILE).write_text(json.dumps(parts, indent=1, sort_keys=True), encoding="utf-8")


def write_failure(folder: Path, error: ClipError) -> None:
    """Put a `ClipError` into an empty folder, in place of the files that it prevented."""
    record = {"status": error.status.value, "reason": error.reason}
    (folder / FAILURE_FILE).write_text(json.dumps(record), encoding="utf-8")


def raise_failure(entry: Path) -> None:
    """Raise the `ClipError` that an entry holds, if it holds one."""
    failure = entry / FAILURE_FILE
    if failure.is_file():
        record = json.loads(failure.read_text(encoding="utf-8"))
        raise ClipError(Status(record["status"]), record["reason"])


def all_files(folder: Path) -> dict[str, Path]:
    """Every file below `folder` by its path from there."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in files}


def changed_files(entry: Path, *, hashes: bool = False) -> list[str]:
    """Names of the files of an entry that are missing or have another size; with `hashes`, also other content.

    Entries from before files were listed have none.
    """
    try:
        listed = _listed(entry)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, AttributeError):
        return [FILES_FILE]
    changed = [file.name for file in listed if not _unchanged(entry, file, hashes=hashes)]
    return changed if (entry / KEY_FILE).is_file() else [*changed, KEY_FILE]


def problems(entry: Path, stage: str, key: str) -> list[str]:
    """What is wrong with an entry, in words: a key that is not its own, files that are not as they were written."""
    try:
        parts = json.loads((entry / KEY_FILE).read_text(encoding="utf-8"))
        own = entry_key(stage, parts)
    except (OSError, ValueError, TypeError) as error:
        return [f"{KEY_FILE} cannot be read: {error}"]
    foreign_key = [] if own == key else [f"{KEY_FILE} belongs to {own[:12]}"]
    return foreign_key + [f"{name} is missing or changed" for name in changed_files(entry, hashes=True)]


def foreign_problems(entry: Path, stage: str, key: str) -> list[str]:
    """What is wrong with an entry that came from elsewhere: also links, and files that are not those of its list."""
    if links := [path.name for path in entry.rglob("*") if path.is_symlink()]:
        return [f"{links[0]} is a link"]
    try:
        listed = {file.name for file in _listed(entry)}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        return [f"{FILES_FILE} cannot be read: {error}"]
    if odd := listed ^ (set(all_files(entry)) - {KEY_FILE, FILES_FILE}):
        return [f"{min(odd)} is not both in its list and there"]
    return problems(entry, stage, key)


class _Listed(NamedTuple):
    name: str
    size: int
    digest: str


def _listed(entry: Path) -> list[_Listed]:
    read = json.loads((entry / FILES_FILE).read_text(encoding="utf-8"))
    return [_Listed(str(name), int(size), str(digest)) for name, (size, digest) in read.items()]


def _unchanged(entry: Path, file: _Listed, *, hashes: bool) -> bool:
    path = entry / file.name
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    return not hashes or sha256_file(path) == file.digest
