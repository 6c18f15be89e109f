"""Which of somebody else's videos belongs to which clip."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from bench_lipsync.harness.datasets.discover import VIDEO_SUFFIXES, find_files, ids_from_paths
from bench_lipsync.harness.errors import ClipError, Status, suggest
from bench_lipsync.harness.util.files import sha256_file, sha256_json
from bench_lipsync.harness.util.sanitize import safe_id


class PredictedFiles:
    """The videos below a folder, by the clip that each belongs to."""

    def __init__(self, root: Path) -> None:
        found = find_files(root, VIDEO_SUFFIXES)
        self.root = root
        self.files = found.files
        self.notices = found.notices
        self._by_path = {name: path for path, name in ids_from_paths(found.files, root).items()}
        self._by_stem: dict[str, list[Path]] = {}
        for path in found.files:
            self._by_stem.setdefault(safe_id(path.stem), []).append(path)

    def find(self, clip_id: str) -> Path:
        """The video of a clip: its path below the folder gives the clip's id as a dataset's would, or its name does.

        Raises `ClipError` (`bad_output`) where there is none, or several and none of them by its path.
        """
        exact = self._by_path.get(clip_id)
        named = [exact] if exact else self._by_stem.get(clip_id, [])
        if len(named) == 1:
            return named[0]
        if named:
            both = " and ".join(path.relative_to(self.root).as_posix() for path in named[:2])
            raise ClipError(Status.BAD_OUTPUT, f"{len(named)} videos are named {clip_id}: {both}")
        files = (paths[0].name for paths in self._by_stem.values())
        hint = suggest(clip_id, files, limit=1, otherwise="")
        raise ClipError(Status.BAD_OUTPUT, f"no video is named {clip_id} (with .mp4, .mkv, ...){hint and '; ' + hint}")

    def match(self, clip_ids: Iterable[str]) -> dict[str, Path]:
        """The video of each clip that has one."""
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
