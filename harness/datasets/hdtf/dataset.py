"""Dataset `hdtf`: cropped clips on disk, named `SUBSET_Name_iii.mp4` or `Name_i.mp4`."""

from __future__ import annotations

from pathlib import Path

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.api.dataset import ClipList, ClipRequest
from bench_lipsync.harness.datasets.discover import (
    AUDIO_SUFFIXES,
    VIDEO_SUFFIXES,
    audio_beside,
    find_files,
    listed,
    require_root,
    shown,
)
from bench_lipsync.harness.datasets.hdtf.metadata import TEST_LIST
from bench_lipsync.harness.datasets.hdtf.names import ClipName, identity_of, parse_clip_name
from bench_lipsync.harness.datasets.splits import choose, read_list
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.sanitize import safe_id

_EXPECTED = "cropped HDTF clips SUBSET_Name_iii.mp4 or Name_i.mp4, in any subfolders"
_LICENCE = "CC BY 4.0 (annotations); the footage belongs to its owners"


class HdtfDataset:
    """Cropped clips; `bench data prepare hdtf` makes them from full videos."""

    name = "hdtf"

    def clips(self, request: ClipRequest) -> ClipList:
        """One clip for each file: the id is the file's stem, the identity its Name without trailing digits.

        Raises:
            BenchError: Missing folder, no clips (with the command that makes them), or an empty split.
        """
        root = require_root(request.data_root, self.name, _EXPECTED)
        media = find_files(root, (*VIDEO_SUFFIXES, *AUDIO_SUFFIXES))
        videos = [path for path in media.files if path.suffix.lower() in VIDEO_SUFFIXES]
        audio = audio_beside(videos, [path for path in media.files if path not in set(videos)])
        notices = list(media.notices)
        clips, unnamed, duplicates = _by_interval(videos, audio)
        if unnamed:
            notices.append(f"left out {listed(unnamed, root)}: not SUBSET_Name_iii or Name_i")
        if duplicates:
            notices.append(f"left out {listed(duplicates, root)}: the same interval is there twice")
        if not clips:
            lines = [f"no clips below {shown(root)}; expected {_EXPECTED}", *notices]
            lines.append("full videos are cut by: bench data prepare hdtf --data-root VIDEOS --metadata DIR --out DIR")
            raise BenchError("; ".join(lines))
        return choose(request.split, clips, read_list(TEST_LIST), notices)


def _by_interval(videos: list[Path], audio: dict[Path, Path]) -> tuple[list[Clip], list[Path], list[Path]]:
    """Clips, files with other names, and further files of an interval that is already present."""
    names = {path: parse_clip_name(path.stem) for path in videos}
    unnamed = [path for path, name in names.items() if name is None]
    clips: dict[tuple[str, int], Clip] = {}  # No Name occurs in two subsets.
    duplicates = []
    # Of two copies, the one with the subset in its name is kept.
    for name, path in sorted(((name, path) for path, name in names.items() if name), key=_subset_first):
        if (name.name, name.index) in clips:
            duplicates.append(path)
            continue
        identity = identity_of(name.name)
        clip = Clip(safe_id(path.stem), identity, path, audio=audio.get(path), licence=_LICENCE)
        clips[name.name, name.index] = clip
    return list(clips.values()), unnamed, duplicates


def _subset_first(item: tuple[ClipName, Path]) -> tuple[bool, Path]:
    return item[0].subset is None, item[1]
