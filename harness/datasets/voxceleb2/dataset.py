"""Dataset `voxceleb2`: `idNNNNN/VIDEO/UTTERANCE.mp4` at any depth (`mp4/`, `dev/mp4/`, `test/mp4/` or directly)."""

from __future__ import annotations

import re
from pathlib import Path

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.api.dataset import ClipList, ClipRequest
from bench_lipsync.harness.datasets.discover import VIDEO_SUFFIXES, find_files, listed, require_root, shown
from bench_lipsync.harness.datasets.splits import choose, read_list
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.sanitize import safe_id

TEST_LIST = "voxceleb2_test_identities"
_IDENTITY = re.compile(r"id\d{5}", re.ASCII)
_EXPECTED = "VoxCeleb2 utterances mp4/idNNNNN/VIDEO/UTTERANCE.mp4 (or dev/mp4/..., test/mp4/..., or idNNNNN/...)"
_LICENCE = "VoxCeleb2 terms; the footage belongs to its owners"


class VoxCeleb2Dataset:
    """Utterances as distributed or as `bench data prepare` cuts them; the test split is the official list."""

    name = "voxceleb2"

    def clips(self, request: ClipRequest) -> ClipList:
        """One clip for each utterance: id `idNNNNN_VIDEO_UTTERANCE`, identity `idNNNNN`.

        Raises:
            BenchError: Missing folder, no utterances, or an empty split.
        """
        root = require_root(request.data_root, self.name, _EXPECTED)
        media = find_files(root, VIDEO_SUFFIXES)
        notices = list(media.notices)
        clips: dict[str, Clip] = {}
        unnamed, duplicates = [], []
        for path in media.files:
            clip = _clip(path, root)
            if clip is None:
                unnamed.append(path)
            elif clip.id in clips:
                duplicates.append(path)
            else:
                clips[clip.id] = clip
        if unnamed:
            notices.append(f"left out {listed(unnamed, root)}: not idNNNNN/VIDEO/UTTERANCE")
        if duplicates:
            notices.append(f"left out {listed(duplicates, root)}: the same utterance is there twice")
        if not clips:
            raise BenchError("; ".join([f"no utterances below {shown(root)}; expected {_EXPECTED}", *notices]))
        return choose(request.split, list(clips.values()), read_list(TEST_LIST), notices)


def utterance_of(path: Path, root: Path) -> tuple[str, str, str] | None:
    """Identity, video and utterance of a file `idNNNNN/VIDEO/UTTERANCE.*`, or `None` for another name."""
    # The root may itself be an identity's folder or lie inside the tree, so its own name counts too.
    parts = (root.resolve() / path.relative_to(root)).parts[-3:]
    return (parts[0], parts[1], path.stem) if len(parts) == 3 and _IDENTITY.fullmatch(parts[0]) else None


def _clip(path: Path, root: Path) -> Clip | None:
    if (name := utterance_of(path, root)) is None:
        return None
    identity, video, utterance = name
    return Clip(id=safe_id(f"{identity}_{video}_{utterance}"), identity=identity, video=path, licence=_LICENCE)
