"""Atomic and durable writing of files, and hashes of their content."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench_lipsync.harness.util.disk import room_needed
from bench_lipsync.harness.util.owner_token import is_abandoned, owned_name

_HALF = ".half-"
"""Begins the name of every file that is not finished."""


@contextlib.contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A hidden name beside `path` to write to; the file gets its own name, all at once, when the block ends well.

    Raises `NoRoomError` for a disk that takes nothing.
    """
    half = path.with_name(f"{_HALF}{owned_name()}{path.suffix[:16]}")
    with room_needed(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield half
            sync(half)
            half.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                half.unlink()
            raise
        sync(path.parent)


def write_text_atomically(path: Path, text: str) -> Path:
    """Write beside `path` and rename, so that a reader never sees half a file."""
    with appearing(path) as half:
        half.write_text(text, encoding="utf-8", newline="")
    return path


def link_or_copy(source: Path, target: Path) -> None:
    """Put a store file into a run folder, as a hard link where the file system allows it.

    Raises `NoRoomError` for a disk that takes nothing.
    """
    if target.exists() and target.samefile(source):
        return
    half = target.with_name(f"{_HALF}{owned_name()}{target.suffix[:16]}")
    with room_needed(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            try:
                os.link(source, half)
            except OSError:
                shutil.copyfile(source, half)
            half.replace(target)
        finally:
            # If another process has just linked the same file there, the rename did nothing and left both names.
            half.unlink(missing_ok=True)


def sweep_unfinished(folder: Path) -> int:
    """Remove the unfinished files that ended processes of this machine left in a folder; returns their number."""
    abandoned = [path for path in folder.glob(f"{_HALF}*") if is_abandoned(path.name) and path.is_file()]
    for path in abandoned:
        path.unlink(missing_ok=True)
    return len(abandoned)


def sweep_run_folder(folder: Path) -> int:
    """Remove the unfinished files that ended processes of this machine left anywhere in a run folder; returns how many.

    Those of living processes stay: two runs may write to one folder.
    """
    return sum(sweep_unfinished(Path(parent)) for parent, _, _ in os.walk(folder))


def discard(path: Path) -> None:
    """Remove a file or a whole folder as far as that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's names, lie on the disk itself."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders.
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """`sync` for every file and folder below `folder`, and for itself."""
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            sync(Path(parent, name))
        sync(Path(parent))


def sha256_file(path: Path) -> str:
    """sha256 of a file's bytes, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_json(value: Any) -> str:
    """sha256 of `value` as canonical JSON (sorted keys, no spaces, no NaN)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
