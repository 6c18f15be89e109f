"""Finds media files below an untrusted folder: hostile names, links that lead out, special files."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.output_marker import is_output, marked_around
from bench_lipsync.harness.util.sanitize import plain_name, safe_id, shown

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".ts"),
    *(".wmv", ".flv", ".3gp", ".ogv", ".vob"),
)
"""Suffixes of videos (any case); probing decides whether a file is one."""
AUDIO_SUFFIXES = (".wav", ".flac", ".m4a", ".aac", ".mp3", ".ogg", ".opus")
"""Suffixes of audio beside a video; of several files, the first in this order is used."""

__all__ = [
    "AUDIO_SUFFIXES",
    "VIDEO_SUFFIXES",
    "FoundFiles",
    "audio_beside",
    "find_files",
    "ids_from_paths",
    "listed",
    "require_root",
    "shown",
]
_SHOWN = 5


@dataclass(frozen=True)
class FoundFiles:
    """The media files below a folder."""

    root: Path
    files: tuple[Path, ...] = ()
    """Regular files with one of the requested suffixes, sorted by their path relative to `root`."""
    notices: tuple[str, ...] = ()
    """Descriptions of what was refused or could not be read."""


@dataclass
class _Walk:
    root: Path
    suffixes: frozenset[str]
    files: dict[Path, Path] = field(default_factory=dict)
    """Path below the root by real path, so that a file that is also linked is listed once."""
    links: list[Path] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)
    outputs: list[Path] = field(default_factory=list)
    """Folders that bench wrote, and caches."""


def require_root(data_root: Path | None, dataset: str, expected: str) -> Path:
    """Return `data_root` if it is a folder.

    Raises:
        BenchError: It is none; the message names what `dataset` expects there.
    """
    if data_root is None:
        raise BenchError(f"dataset {dataset!r} needs --data-root: the folder with {expected}")
    try:
        exists, is_folder = data_root.exists(), data_root.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # Name too long, null byte, or loop of links.
        raise BenchError(f"--data-root {shown(data_root)} cannot be opened: {error}") from error
    if not exists:
        raise BenchError(f"--data-root {shown(data_root)} does not exist; dataset {dataset!r} expects {expected} there")
    if not is_folder:
        raise BenchError(f"--data-root {shown(data_root)} is a file; give the folder that holds {expected}")
    return data_root


def find_files(root: Path, suffixes: Iterable[str]) -> FoundFiles:
    """Find the regular files below a folder; hidden ones, output of bench and caches are left out.

    Links to files inside `root` are followed. Links to folders are not, since their targets are walked anyway. Broken
    links and links that lead out of `root` are refused with a notice.

    Args:
        root: The folder, which may be a link itself.
        suffixes: The suffixes to find, in lower case.
    """
    real_root = root.resolve()
    walk = _Walk(root, frozenset(suffixes))
    pending, links = [root], []
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as scan:
                entries = list(scan)
            if folder != root and is_output(folder, {entry.name for entry in entries}):
                walk.outputs.append(folder)
                continue
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                path = folder / entry.name
                if entry.is_symlink():
                    links.append(path)
                elif entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                # Regular files only: opening a named pipe would block forever.
                elif entry.is_file(follow_symlinks=False) and path.suffix.lower() in walk.suffixes:
                    walk.files[real_root / path.relative_to(root)] = path
        except OSError:
            walk.unreadable.append(folder)
    for link in sorted(links):
        _follow(link, real_root, walk)
    files = sorted(walk.files.values(), key=lambda path: path.relative_to(root).parts)
    return FoundFiles(root, tuple(files), tuple(_notices(walk)))


def _follow(link: Path, real_root: Path, walk: _Walk) -> None:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13.
        walk.links.append(link)
        return
    outputs = [real_root / folder.relative_to(walk.root) for folder in walk.outputs]
    if not target.is_relative_to(real_root) or any(target.is_relative_to(folder) for folder in outputs):
        walk.links.append(link)
    elif target.is_file() and link.suffix.lower() in walk.suffixes:
        walk.files.setdefault(target, link)


def _notices(walk: _Walk) -> Iterable[str]:
    if walk.links:
        where = "symbolic links that lead nowhere, out of the data root, or to output of bench"
        yield f"left out {listed(walk.links, walk.root)}: {where}"
    if walk.unreadable:
        yield f"left out {listed(walk.unreadable, walk.root)}: folders that cannot be read"
    if walk.outputs:
        yield f"left out {listed(walk.outputs, walk.root)}: folders that bench wrote, and caches"
    if around := marked_around(walk.root):
        what = f"a folder that bench wrote ({around[1].kind})"
        yield f"{shown(walk.root)} lies in {what}: its videos may be output of models"


def audio_beside(videos: Sequence[Path], audio: Sequence[Path]) -> dict[Path, Path]:
    """The audio file of the same stem in the same folder for each video that has one, first by `AUDIO_SUFFIXES`."""
    by_stem: dict[Path, Path] = {}
    for path in sorted(audio, key=lambda path: AUDIO_SUFFIXES.index(path.suffix.lower()), reverse=True):
        by_stem[path.with_suffix("")] = path
    return {video: by_stem[video.with_suffix("")] for video in videos if video.with_suffix("") in by_stem}


def ids_from_paths(paths: Sequence[Path], root: Path) -> dict[Path, str]:
    """A safe id for each path, from the path below `root` without its suffix.

    Ids that differ only in case get eight hex digits of the relative path's sha256, because some file systems do not
    distinguish them.
    """
    below = {path: path.relative_to(root) for path in paths}
    names = {path: plain_name(place.as_posix()) for path, place in below.items()}
    ids = {path: safe_id(place.with_suffix("").as_posix()) for path, place in below.items()}
    ids = _told_apart(ids, {path: name.encode("utf-8", "surrogatepass") for path, name in names.items()})
    # One folder may hold a name in NFC and in NFD.
    return _told_apart(ids, {path: place.as_posix().encode("utf-8", "surrogatepass") for path, place in below.items()})


def _told_apart(ids: dict[Path, str], facts: dict[Path, bytes]) -> dict[Path, str]:
    """`ids` with eight hex digits of their facts' sha256 where they differ in case only or not at all."""
    counts = Counter(name.casefold() for name in ids.values())
    return {
        path: name if counts[name.casefold()] == 1 else f"{name}-{hashlib.sha256(facts[path]).hexdigest()[:8]}"
        for path, name in ids.items()
    }


def listed(paths: Sequence[Path], root: Path) -> str:
    """A count and the first few names below `root`, as `3 (a, b, c)`, safe to print."""
    names = ", ".join(shown(path.relative_to(root)) for path in sorted(paths)[:_SHOWN])
    return f"{len(paths)} ({names}{', ...' if len(paths) > _SHOWN else ''})"
