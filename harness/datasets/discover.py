"""Finding media below a folder that somebody else filled: hostile names, links that lead out, things not files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.sanitize import safe_id, shown

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".ts"),
    *(".wmv", ".flv", ".3gp", ".ogv", ".vob"),
)
"""Suffixes that are taken for videos (any case); what is really inside is found out by probing."""
AUDIO_SUFFIXES = (".wav", ".flac", ".m4a", ".aac", ".mp3", ".ogg", ".opus")
"""Suffixes of audio beside a video; where several lie there, the first in this order is taken."""

__all__ = [
    "AUDIO_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Found",
    "audio_beside",
    "find_files",
    "ids_from_paths",
    "listed",
    "require_root",
    "shown",
]
_SHOWN = 5


@dataclass(frozen=True)
class Found:
    """What lies below a folder."""

    root: Path
    files: tuple[Path, ...] = ()
    """Regular files with one of the wanted suffixes, sorted by their path relative to `root`."""
    notices: tuple[str, ...] = ()
    """What was refused or could not be read, in words."""


@dataclass
class _Walk:
    root: Path
    suffixes: frozenset[str]
    files: dict[Path, Path] = field(default_factory=dict)
    """Real path -> path below the root, so that a file that is also linked is found once."""
    links: list[Path] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)


def require_root(data_root: Path | None, dataset: str, expected: str) -> Path:
    """`data_root` if it is a folder. Raises `BenchError` saying what `dataset` expects there."""
    if data_root is None:
        raise BenchError(f"dataset {dataset!r} needs --data-root: the folder with {expected}")
    try:
        exists, is_folder = data_root.exists(), data_root.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # a name too long, a zero byte in it, a loop of links
        raise BenchError(f"--data-root {shown(data_root)} cannot be opened: {error}") from error
    if not exists:
        raise BenchError(f"--data-root {shown(data_root)} does not exist; dataset {dataset!r} expects {expected} there")
    if not is_folder:
        raise BenchError(f"--data-root {shown(data_root)} is a file; give the folder that holds {expected}")
    return data_root


def find_files(root: Path, suffixes: Iterable[str]) -> Found:
    """Every regular file below `root` with one of `suffixes`, without hidden ones and without leaving `root`.

    Links to files inside `root` are followed, links to folders are not (their target is walked anyway), and links that
    lead out of `root` or nowhere are refused with a notice. `root` itself may be a link.
    """
    real_root = root.resolve()
    walk = _Walk(root, frozenset(suffixes))
    pending, links = [root], []
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    path = folder / entry.name
                    if entry.is_symlink():
                        links.append(path)
                    elif entry.is_dir(follow_symlinks=False):
                        pending.append(path)
                    # Regular files only: opening a named pipe that somebody left there would wait for ever.
                    elif entry.is_file(follow_symlinks=False) and path.suffix.lower() in walk.suffixes:
                        walk.files[real_root / path.relative_to(root)] = path
        except OSError:
            walk.unreadable.append(folder)
    for link in sorted(links):
        _follow(link, real_root, walk)
    files = sorted(walk.files.values(), key=lambda path: path.relative_to(root).parts)
    return Found(root, tuple(files), tuple(_notices(walk)))


def _follow(link: Path, real_root: Path, walk: _Walk) -> None:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop, before Python 3.13
        walk.links.append(link)
        return
    if not target.is_relative_to(real_root):
        walk.links.append(link)
    elif target.is_file() and link.suffix.lower() in walk.suffixes:
        walk.files.setdefault(target, link)


def _notices(walk: _Walk) -> Iterable[str]:
    if walk.links:
        yield f"left out {listed(walk.links, walk.root)}: symbolic links that lead nowhere or out of the data root"
    if walk.unreadable:
        yield f"left out {listed(walk.unreadable, walk.root)}: folders that cannot be read"


def audio_beside(videos: Sequence[Path], audio: Sequence[Path]) -> dict[Path, Path]:
    """For each video with audio of the same stem in the same folder: that audio, first by `AUDIO_SUFFIXES`."""
    best: dict[Path, Path] = {}
    for path in sorted(audio, key=lambda path: AUDIO_SUFFIXES.index(path.suffix.lower()), reverse=True):
        best[path.with_suffix("")] = path
    return {video: best[video.with_suffix("")] for video in videos if video.with_suffix("") in best}


def ids_from_paths(paths: Sequence[Path], root: Path) -> dict[Path, str]:
    """A safe id for each path, from the path below `root` without its suffix.

    Ids that would differ by nothing but case get eight hex digits of the whole relative path's sha256, because not
    every file system tells them apart.
    """
    plain = {path: safe_id(path.relative_to(root).with_suffix("").as_posix()) for path in paths}
    counts: dict[str, int] = {}
    for name in plain.values():
        counts[name.casefold()] = counts.get(name.casefold(), 0) + 1
    return {
        path: name if counts[name.casefold()] == 1 else f"{name}-{_digest(path.relative_to(root))}"
        for path, name in plain.items()
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.as_posix().encode("utf-8", "surrogatepass")).hexdigest()[:8]


def listed(paths: Sequence[Path], root: Path) -> str:
    """`3 files (a, b, c)`: a count and the first few names below `root`, safe to print."""
    names = ", ".join(shown(path.relative_to(root)) for path in sorted(paths)[:_SHOWN])
    return f"{len(paths)} ({names}{', ...' if len(paths) > _SHOWN else ''})"
