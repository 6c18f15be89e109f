"""The files of a user's clone: which count, and whether they are still the same."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.files import sha256_file
from bench_lipsync.harness.util.paths import cache_dir

LARGE = 1_000_000
"""Bytes; larger files of the clone are linked."""
MAX_FILES = 50_000
"""More are no repository; a data set in the clone would be copied for every clip."""
LEFT_OUT = frozenset({".git", "__pycache__"})
PRIVATE = ".bench"
"""Folder in the workspace that is ours: temporary files, the prelude."""


class CloneFile(NamedTuple):
    """A regular file of a clone."""

    name: str
    """Below the clone, with forward slashes."""
    path: Path
    """Where it really is, links followed."""
    size: int


def clone_files(clone: Path) -> Iterator[CloneFile]:
    """All regular files, in order of their names; links are followed, but never in a circle."""
    own = cache_dir().resolve()  # It may lie in the clone, and would be copied into itself.

    def below(folder: Path, prefix: str, above: frozenset[Path]) -> Iterator[CloneFile]:
        real = folder.resolve()
        if real in above or real == own:
            return
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.name in LEFT_OUT or entry.name == PRIVATE:
                continue
            name = f"{prefix}{entry.name}"
            try:
                found = entry.stat()
            except OSError:
                continue  # A link that leads nowhere.
            if stat.S_ISDIR(found.st_mode):
                yield from below(Path(entry.path), f"{name}/", above | {real})
            elif stat.S_ISREG(found.st_mode):
                yield CloneFile(name, Path(entry.path).resolve(), found.st_size)

    if not clone.is_dir():
        raise BenchError(f"{clone} is not a folder; bench baselines setup NAME --repo PATH says where the clone is")
    for count, file in enumerate(below(clone, "", frozenset()), start=1):
        if count > MAX_FILES:
            raise BenchError(
                f"{clone} has more than {MAX_FILES} files; move data out of the clone, or give another one"
            )
        yield file


def clone_digest(clone: Path, weights: Mapping[str, Path]) -> str:
    """sha256 over names and contents of a clone's files; large ones count by size and time, weights by their own."""
    digest = hashlib.sha256()
    for file in clone_files(clone):
        if file.name in weights:
            continue
        large = file.size > LARGE
        content = f"{file.size} {file.path.stat().st_mtime_ns}" if large else sha256_file(file.path)
        digest.update(f"{file.name}\0{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
