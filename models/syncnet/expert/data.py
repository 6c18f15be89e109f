"""Training arrays of the sync expert: frames, mel windows and mouth squares of all clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.models.audio.mel import N_MELS, WINDOW, clip_windows
from bench_lipsync.models.training.clip_arrays import (
    Arrays,
    ArrayType,
    ClipSpan,
    arrays_folder,
    frame_chunks,
    load_clip_arrays,
)
from bench_lipsync.models.vision.frames import resize
from bench_lipsync.models.vision.mouth import mouth_squares

DATA_VERSION = "sync-expert-1"


@dataclass(frozen=True)
class ExpertData:
    """All frames of all clips one after the other, N in all, at resolution R."""

    clips: tuple[ClipSpan, ...]
    frames: NDArray[np.uint8]
    """(N, R, R, 3)"""
    mel: NDArray[np.float32]
    """(N, 20, 80)"""
    mouth: NDArray[np.float32]
    """(N, 3): see `models.vision.mouth.mouth_squares`"""


def load_data(clips: Sequence[PreparedClip], cache: Path, resolution: int) -> ExpertData:
    """Map the arrays of `clips`, making them in a folder of `cache` on first use."""
    types = {
        "frames": ArrayType(np.uint8, (resolution, resolution, 3)),
        "mel": ArrayType(np.float32, (WINDOW, N_MELS)),
        "mouth": ArrayType(np.float32, (3,)),
    }

    def fill(clip: PreparedClip, arrays: Arrays) -> None:
        arrays["mel"][:] = clip_windows(clip.audio(), clip.frames).numpy()
        arrays["mouth"][:] = mouth_squares(clip.faces.landmarks / np.float32(clip.size))
        for span, frames in frame_chunks(clip):
            arrays["frames"][span] = resize(frames, resolution)

    folder = arrays_folder(cache, clips, DATA_VERSION, str(resolution))
    loaded = load_clip_arrays(clips, folder, types, fill, "frames")
    return ExpertData(loaded.clips, **loaded.arrays)
