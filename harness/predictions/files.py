"""Matches videos generated elsewhere to clips by name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from bench_lipsync.harness.datasets.discover import VIDEO_SUFFIXES, find_files, ids_from_paths
from bench_lipsync.harness.errors import ClipError, Status, suggest
from bench_lipsync.harness.util.files import sha256_file, sha256_json
from bench_lipsync.harness.util.sanitize import plain_name, safe_id, shown


class Matches(NamedTuple):
    """Which videos belong to which clips."""

    found: dict[str, Path]
    """The video by clip id."""
    several: dict[str, tuple[Path, ...]]
    """Videos by clip id where more than one is named so."""


class PredictedFiles:
    """The videos below a folder, by clip."""

    def __init__(self, root: Path) -> None:
        media = find_files(root, VIDEO_SUFFIXES)
        self.root = root
        self.files = media.files
        self.notices = media.notices
        self._by_path: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}
        for path, name in ids_from_paths(media.files, root).items():
            for key in {name, safe_id(path.relative_to(root).with_suffix("").as_posix())}:
                self._by_path.setdefault(key, []).append(path)
            self._by_stem.setdefault(safe_id(path.stem), []).append(path)

    def find(self, clip_id: str) -> Path:
        """The video of a clip, matched by its path below the folder or else by its name.

        Raises:
            ClipError: `bad_output`: there is none, or there are several.
        """
        matches = self._named(clip_id)
        if len(matches) == 1:
            return matches[0]
        reason = f"{len(matches)} videos are named {clip_id}: {self.shown(matches)}" if matches else self._none(clip_id)
        raise ClipError(Status.BAD_OUTPUT, reason)

    def match(self, clip_ids: Iterable[str]) -> Matches:
        """The videos by clip id; clips without one are left out."""
        named = {clip_id: self._named(clip_id) for clip_id in clip_ids}
        return Matches(
            {clip_id: paths[0] for clip_id, paths in named.items() if len(paths) == 1},
            {clip_id: tuple(paths) for clip_id, paths in named.items() if len(paths) > 1},
        )

    def shown(self, paths: Sequence[Path]) -> str:
        """The first two of `paths` below the folder, safe to print."""
        return " and ".join(shown(path.relative_to(self.root).as_posix()) for path in paths[:2])

    def _named(self, clip_id: str) -> list[Path]:
        return self._by_path.get(clip_id) or self._by_stem.get(clip_id, [])

    def _none(self, clip_id: str) -> str:
        other = self._other_files.get(clip_id)
        if other is not None:
            name = shown(other.relative_to(self.root).as_posix())
            if other.is_symlink():
                return f"{name} is a link that leads nowhere or out of the folder; put the video itself there"
            return f"{name} is named {clip_id} and no video by its suffix; taken are {', '.join(VIDEO_SUFFIXES)}"
        files = (paths[0].name for paths in self._by_stem.values())
        hint = suggest(clip_id, files, limit=1, otherwise="")
        return f"no video is named {clip_id} (with .mp4, .mkv, ...){hint and '; ' + hint}"

    @cached_property
    def _other_files(self) -> dict[str, Path]:
        """Files that were not taken, by the clip id that they are named by."""
        taken = set(self.files)
        paths = (Path(parent, name) for parent, _, names in os.walk(self.root) for name in sorted(names))
        return {safe_id(path.stem): path for path in paths if path not in taken}

    @cached_property
    def digest(self) -> str:
        """sha256 over all names and contents."""
        return sha256_json(
            {plain_name(path.relative_to(self.root).as_posix()): sha256_file(path) for path in self.files}
        )
