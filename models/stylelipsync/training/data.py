"""Training arrays of StyleLipSync: frames, keep planes of the mask, mel windows and mouth squares of all clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.models.audio.mel import N_MELS, WINDOW, clip_windows
from bench_lipsync.models.stylelipsync.mask.mask import keep_planes
from bench_lipsync.models.stylelipsync.mask.predictor import find_face
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.training.clip_arrays import (
    Arrays,
    ArrayType,
    ClipSpan,
    arrays_folder,
    frame_chunks,
    group_by_identity,
    load_clip_arrays,
)
from bench_lipsync.models.vision.frames import resize
from bench_lipsync.models.vision.mouth import mouth_squares

DATA_VERSION = "3"


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
    size = config.resolution
    types = {
        "frames": ArrayType(np.uint8, (size, size, 3)),
        "keep": ArrayType(np.uint8, (size, size)),
        "mel": ArrayType(np.float32, (WINDOW, N_MELS)),
        "mouth": ArrayType(np.float32, (3,)),
    }

    def fill(clip: PreparedClip, arrays: Arrays) -> None:
        face = find_face(clip, config.mesh)
        arrays["mel"][:] = clip_windows(clip.audio(), clip.frames).numpy()
        arrays["mouth"][:] = mouth_squares(clip.faces.landmarks / np.float32(clip.size))
        for span, frames in frame_chunks(clip):
            keep = keep_planes(face.span(span.start, span.stop), config.mask, len(frames))
            arrays["frames"][span] = resize(frames, size)
            arrays["keep"][span] = (resize(keep, size) * 255.0).round()

    loaded = load_clip_arrays(clips, data_folder(clips, cache, config), types, fill, "masks")
    return TrainingData(loaded.clips, **loaded.arrays)


def data_folder(clips: Sequence[PreparedClip], cache: Path, config: StyleLipSyncConfig) -> Path:
    """Folder of the arrays of `clips`: named by everything that they follow from."""
    mask = config.mask if config.mesh == "mediapipe" else f"{config.mask} of {config.mesh}"
    return arrays_folder(cache, clips, DATA_VERSION, str(config.resolution), mask)
