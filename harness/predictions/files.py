"""Matches videos generated elsewhere to clips by name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from bench_lipsync.harness.datasets.discover import VIDEO_SUFFIXES, find_files, ids_from_paths
from bench_lipsync.harness.errors import ClipError, Status, suggest
from bench_lipsync.harness.util.files import sha256_file, sha256_json
from bench_lipsync.harness.util.sanitize import safe_id


class PredictedFiles:
    """The videos below a folder, by clip."""

    def __init__(self, root: Path) -> None:
        media = find_files(root, VIDEO_SUFFIXES)
        self.root = root
        self.files = media.files
        self.notices = media.notices
        self._by_path = {name: path for path, name in ids_from_paths(media.files, root).items()}
        self._by_stem: dict[str, list[Path]] = {}
        for path in media.files:
            self._by_stem.setdefault(safe_id(path.stem), []).append(path)

    def find(self, clip_id: str) -> Path:
        """The video of a clip, matched by its path below the folder or else by its name.

        Raises:
            ClipError: `bad_output`: there is none, or several by name and none by path.
        """
        exact = self._by_path.get(clip_id)
        matches = [exact] if exact else self._by_stem.get(clip_id, [])
        if len(matches) == 1:
            return matches[0]
        if matches:
            examples = " and ".join(path.relative_to(self.root).as_posix() for path in matches[:2])
            raise ClipError(Status.BAD_OUTPUT, f"{len(matches)} videos are named {clip_id}: {examples}")
        files = (paths[0].name for paths in self._by_stem.values())
        hint = suggest(clip_id, files, limit=1, otherwise="")
        raise ClipError(Status.BAD_OUTPUT, f"no video is named {clip_id} (with .mp4, .mkv, ...){hint and '; ' + hint}")

    def match(self, clip_ids: Iterable[str]) -> dict[str, Path]:
        """The videos by clip id; clips without one are left out."""
        matched = {}
        for clip_id in clip_ids:
            try:
                matched[clip_id] = self.find(clip_id)
            except ClipError:
                continue
        return matched

    @cached_property
    def digest(self) -> str:
        """sha256 over all names and contents."""
        return sha256_json({path.relative_to(self.root).as_posix(): sha256_file(path) for path in self.files})
