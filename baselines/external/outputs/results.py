"""The files that a program left where its description says, without following any link out of its folder."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

_NUMBERS = re.compile("([0-9]+)")


def find_results(folder: Path, pattern: str) -> list[Path]:
    """Plain files below `folder` that match `pattern` (`*` and `?` within one name), in the order of their numbers.

    Links are neither followed nor given, whatever they point at.
    """
    last = PurePosixPath(pattern).name
    files = [Path(entry) for base in _bases(folder, pattern) for entry in _entries(base, last) if _is_file(entry)]
    return sorted(files, key=lambda path: _by_number(path.relative_to(folder).as_posix()))


def remove_results(folder: Path, pattern: str) -> None:
    """Delete what matches `pattern` below `folder`, links included (not what they point at)."""
    for base in _bases(folder, pattern):
        for entry in _entries(base, PurePosixPath(pattern).name):
            if not entry.is_dir(follow_symlinks=False):
                Path(entry).unlink()


def _bases(folder: Path, pattern: str) -> list[Path]:
    """The folders in which the last part of `pattern` is to be looked for."""
    found = [folder]
    for part in PurePosixPath(pattern).parts[:-1]:
        found = [Path(entry) for base in found for entry in _entries(base, part) if entry.is_dir(follow_symlinks=False)]
    return found


def _is_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)


def _entries(base: Path, part: str) -> list[os.DirEntry[str]]:
    """What lies directly in `base` under a name that fits `part`."""
    fits = re.compile("".join(_WILD.get(letter, re.escape(letter)) for letter in part), re.DOTALL).fullmatch
    with os.scandir(base) as entries:
        return [entry for entry in entries if fits(entry.name)]


_WILD = {"*": ".*", "?": "."}


def _by_number(name: str) -> list[tuple[int, str]]:
    """A key that puts `9.png` before `10.png`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBERS.split(name)]
