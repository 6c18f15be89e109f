"""Training data on disk: frames, kept parts and mel windows of all clips as flat arrays that are mapped, not loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.util import progress
from bench_lipsync.models.audio.mel import N_MELS, WINDOW, clip_windows
from bench_lipsync.models.stylelipsync.mask.mask import keep_planes
from bench_lipsync.models.stylelipsync.mask.predictor import find_face
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.vision.frames import resize
from bench_lipsync.models.vision.mouth import mouth_squares

DATA_VERSION = "2"


@dataclass(frozen=True)
class ClipSpan:
    """Where a clip lies in the flat arrays."""

    id: str
    identity: str
    start: int
    frames: int


def group_by_identity(clips: Sequence[ClipSpan]) -> tuple[tuple[ClipSpan, ...], ...]:
    """The clips of each identity, in order of name."""
    groups: dict[str, list[ClipSpan]] = {}
    for clip in clips:
        groups.setdefault(clip.identity, []).append(clip)
    return tuple(tuple(groups[name]) for name in sorted(groups))


@dataclass(frozen=True)
class TrainingData:
    """All frames of all clips one after the other, N in all, at the network's resolution R."""

    clips: tuple[ClipSpan, ...]
    frames: NDArray[np.uint8]
    """(N, R, R, 3)"""
    keep: NDArray[np.uint8]
    """(N, R, R), 255 where the frame is kept"""
    mel: NDArray[np.float32]
    """(N, 20, 80)"""
    mouth: NDArray[np.float32]
    """(N, 3): see `mouth_squares`"""

    @cached_property
    def by_identity(self) -> tuple[tuple[ClipSpan, ...], ...]:
        """The clips of each identity, in order of name."""
        return group_by_identity(self.clips)


def load_data(clips: Sequence[PreparedClip], cache: Path, config: StyleLipSyncConfig) -> TrainingData:
    """Map the arrays of `clips`, making them in a folder of `cache` on first use."""
    folder = data_folder(clips, cache, config)
    if not (folder / "clips.json").is_file():
        _build(clips, folder, config)
    spans = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
    arrays = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("frames", "keep", "mel", "mouth"))
    return TrainingData(tuple(ClipSpan(**span) for span in spans), *arrays)


def data_folder(clips: Sequence[PreparedClip], cache: Path, config: StyleLipSyncConfig) -> Path:
    """Where the arrays of `clips` lie: named by everything that they follow from."""
    mask = config.mask if config.mesh == "mediapipe" else f"{config.mask} of {config.mesh}"
    parts = [DATA_VERSION, str(config.resolution), mask, *(clip.content_hash for clip in clips)]
    return cache / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _build(clips: Sequence[PreparedClip], folder: Path, config: StyleLipSyncConfig) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    total, size = sum(clip.frames for clip in clips), config.resolution

    def array(name: str, dtype: type, *shape: int) -> Any:
        return open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=(total, *shape))

    data = TrainingData(
        (),
        array("frames", np.uint8, size, size, 3),
        array("keep", np.uint8, size, size),
        array("mel", np.float32, WINDOW, N_MELS),
        array("mouth", np.float32, 3),
    )
    spans, start = [], 0
    for clip in progress.each("masks", clips):
        _fill(clip, data, start, config)
        spans.append(asdict(ClipSpan(clip.id, clip.identity, start, clip.frames)))
        start += clip.frames
    # Written last: its presence says that the arrays are whole.
    (folder / "clips.json").write_text(json.dumps(spans), encoding="utf-8")


def _fill(clip: PreparedClip, data: TrainingData, start: int, config: StyleLipSyncConfig) -> None:
    face = find_face(clip, config.mesh)
    stop = start + clip.frames
    data.mel[start:stop] = clip_windows(clip.audio(), clip.frames).numpy()
    data.mouth[start:stop] = mouth_squares(clip.faces.landmarks / np.float32(clip.size))
    done = 0
    for chunk in clip.read_frames(chunk=64):
        upto = done + len(chunk)
        keep = keep_planes(face.span(done, upto), config.mask, len(chunk))
        data.frames[start + done : start + upto] = resize(chunk, config.resolution)
        data.keep[start + done : start + upto] = (resize(keep, config.resolution) * 255.0).round()
        done = upto
