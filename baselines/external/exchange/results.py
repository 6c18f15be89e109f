"""Finds the result files of a program by the pattern of its description, without following links."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

_NUMBERS = re.compile("([0-9]+)")
_WILD = {"*": ".*", "?": "."}


def find_results(folder: Path, pattern: str) -> list[Path]:
    """Regular files below `folder` that match `pattern` (`*` and `?` within one name), sorted by their numbers.

    Links are neither followed nor returned.
    """
    last = PurePosixPath(pattern).name
    entries = (entry for base in _bases(folder, pattern) for entry in _entries(base, last))
    files = [Path(entry) for entry in entries if entry.is_file(follow_symlinks=False)]
    return sorted(files, key=lambda path: _by_number(path.relative_to(folder).as_posix()))


def remove_results(folder: Path, pattern: str) -> None:
    """Delete the files and links that match `pattern` below `folder`; link targets stay."""
    for base in _bases(folder, pattern):
        for entry in _entries(base, PurePosixPath(pattern).name):
            if not entry.is_dir(follow_symlinks=False):
                Path(entry).unlink()


def _bases(folder: Path, pattern: str) -> list[Path]:
    """The folders in which to search for the last part of `pattern`."""
    bases = [folder]
    for part in PurePosixPath(pattern).parts[:-1]:
        bases = [Path(entry) for base in bases for entry in _entries(base, part) if entry.is_dir(follow_symlinks=False)]
    return bases


def _entries(base: Path, part: str) -> list[os.DirEntry[str]]:
    """The entries of `base` whose names match `part`."""
    matches = re.compile("".join(_WILD.get(letter, re.escape(letter)) for letter in part), re.DOTALL).fullmatch
    with os.scandir(base) as entries:
        return [entry for entry in entries if matches(entry.name)]


def _by_number(name: str) -> list[tuple[int, str]]:
    """A key that puts `9.png` before `10.png`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBERS.split(name)]
