"""What lies in a finished entry of the store: its files, the list of them with sizes and hashes, and its key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.files import sha256_file, sha256_json, sync
from harness.status import ClipError, Status

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
    """List the files of a folder that is to become an entry, add its key, and wait until all of it is on the disk."""
    found = all_files(folder)
    listed = {name: [path.stat().st_size, sha256_file(path)] for name, path in found.items()}
    (folder / FILES_FILE).write_text(json.dumps(listed), encoding="utf-8")
    (folder / KEY_FILE).write_text(json.dumps(parts, indent=1, sort_keys=True), encoding="utf-8")
    for path in (*found.values(), folder / FILES_FILE, folder / KEY_FILE):
        sync(path)
    for path in sorted({path.parent for path in found.values()} | {folder}):
        sync(path)


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
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in found}


def changed_files(entry: Path, *, hashes: bool = False) -> list[str]:
    """Names of the files of an entry that are missing or have another size; with `hashes`, also other content.

    Entries from before files were listed have none.
    """
    try:
        listed = json.loads((entry / FILES_FILE).read_text(encoding="utf-8"))
        expected = [(str(name), int(size), str(digest)) for name, (size, digest) in listed.items()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, AttributeError):
        return [FILES_FILE]
    changed = [name for name, size, digest in expected if not _unchanged(entry / name, size, digest, hashes=hashes)]
    return changed if (entry / KEY_FILE).is_file() else [*changed, KEY_FILE]


def problems(entry: Path, stage: str, key: str) -> list[str]:
    """What is wrong with an entry, in words: a key that is not its own, files that are not as they were written."""
    try:
        parts = json.loads((entry / KEY_FILE).read_text(encoding="utf-8"))
        own = entry_key(stage, parts)
    except (OSError, ValueError, TypeError) as error:
        return [f"{KEY_FILE} cannot be read: {error}"]
    found = [] if own == key else [f"{KEY_FILE} belongs to {own[:12]}"]
    found += [f"{path.name} is a link" for path in entry.rglob("*") if path.is_symlink()]
    return found + [f"{name} is missing or changed" for name in changed_files(entry, hashes=True)]


def _unchanged(path: Path, size: int, digest: str, *, hashes: bool) -> bool:
    if not path.is_file() or path.stat().st_size != size:
        return False
    return not hashes or sha256_file(path) == digest
