"""Training data on disk: face crops and both kinds of mel windows of all clips, as flat arrays that are mapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.models.audio.mel import N_MELS as EXPERT_MELS
from bench_lipsync.models.audio.mel import WINDOW as EXPERT_WINDOW
from bench_lipsync.models.audio.mel import clip_windows
from bench_lipsync.models.training.clip_arrays import (
    Arrays,
    ArrayType,
    ClipSpan,
    arrays_folder,
    frame_chunks,
    group_by_identity,
    load_clip_arrays,
)
from bench_lipsync.models.vision.mouth import mouth_squares
from bench_lipsync.models.wav2lip.boxes import detector_boxes, padded_boxes, smooth_boxes
from bench_lipsync.models.wav2lip.crops import PADS, cut_faces
from bench_lipsync.models.wav2lip.mel import mel_spectrogram, mel_windows
from bench_lipsync.models.wav2lip.network import FACE_SIZE, MEL_COLUMNS, N_MELS

DATA_VERSION = "1"


@dataclass(frozen=True)
class Wav2LipData:
    """All frames of all clips one after the other, N in all."""

    clips: tuple[ClipSpan, ...]
    faces: NDArray[np.uint8]
    """(N, 96, 96, 3) RGB"""
    mel: NDArray[np.float32]
    """(N, 1, 80, 16), what the generator hears"""
    expert_mel: NDArray[np.float32]
    """(N, 20, 80), what the sync expert hears"""
    mouth: NDArray[np.float32]
    """(N, 3): `mouth_squares` in the crop"""

    @cached_property
    def by_identity(self) -> tuple[tuple[ClipSpan, ...], ...]:
        """The clips of each identity, in order of name."""
        return group_by_identity(self.clips)


def load_data(clips: Sequence[PreparedClip], cache: Path) -> Wav2LipData:
    """Map the arrays of `clips`, making them in a folder of `cache` on first use."""
    types = {
        "faces": ArrayType(np.uint8, (FACE_SIZE, FACE_SIZE, 3)),
        "mel": ArrayType(np.float32, (1, N_MELS, MEL_COLUMNS)),
        "expert_mel": ArrayType(np.float32, (EXPERT_WINDOW, EXPERT_MELS)),
        "mouth": ArrayType(np.float32, (3,)),
    }
    loaded = load_clip_arrays(clips, arrays_folder(cache, clips, DATA_VERSION, str(PADS)), types, _fill, "crops")
    return Wav2LipData(loaded.clips, **loaded.arrays)


def _fill(clip: PreparedClip, arrays: Arrays) -> None:
    audio, landmarks = clip.audio(), clip.faces.landmarks
    arrays["mel"][:] = mel_windows(mel_spectrogram(audio), clip.frames)
    arrays["expert_mel"][:] = clip_windows(audio, clip.frames).numpy()
    boxes = smooth_boxes(padded_boxes(detector_boxes(landmarks), clip.size, PADS))
    corner, sides = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
    points = (landmarks[..., :2] - corner) / np.maximum(sides, 1)
    arrays["mouth"][:] = mouth_squares(points.astype(np.float32))
    for span, frames in frame_chunks(clip):
        arrays["faces"][span] = cut_faces(frames, boxes[span])
