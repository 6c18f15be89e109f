"""Training data on disk: face crops and both kinds of mel windows of all clips, as flat arrays that are mapped."""

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
from bench_lipsync.models.audio.mel import N_MELS as EXPERT_MELS
from bench_lipsync.models.audio.mel import WINDOW as EXPERT_WINDOW
from bench_lipsync.models.audio.mel import clip_windows
from bench_lipsync.models.training.clip_arrays import ClipSpan, group_by_identity
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
    parts = [DATA_VERSION, str(PADS), *(clip.content_hash for clip in clips)]
    folder = cache / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    if not (folder / "clips.json").is_file():
        _build(clips, folder)
    spans = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
    names = ("faces", "mel", "expert_mel", "mouth")
    arrays = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in names)
    return Wav2LipData(tuple(ClipSpan(**span) for span in spans), *arrays)


def _build(clips: Sequence[PreparedClip], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    total = sum(clip.frames for clip in clips)

    def array(name: str, dtype: type, *shape: int) -> Any:
        return open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=(total, *shape))

    data = Wav2LipData(
        (),
        array("faces", np.uint8, FACE_SIZE, FACE_SIZE, 3),
        array("mel", np.float32, 1, N_MELS, MEL_COLUMNS),
        array("expert_mel", np.float32, EXPERT_WINDOW, EXPERT_MELS),
        array("mouth", np.float32, 3),
    )
    spans, start = [], 0
    for clip in progress.each("crops", clips):
        _fill(clip, data, start)
        spans.append(asdict(ClipSpan(clip.id, clip.identity, start, clip.frames)))
        start += clip.frames
    # Written last: its presence says that the arrays are whole.
    (folder / "clips.json").write_text(json.dumps(spans), encoding="utf-8")


def _fill(clip: PreparedClip, data: Wav2LipData, start: int) -> None:
    span, audio, landmarks = slice(start, start + clip.frames), clip.audio(), clip.faces.landmarks
    data.mel[span] = mel_windows(mel_spectrogram(audio), clip.frames)
    data.expert_mel[span] = clip_windows(audio, clip.frames).numpy()
    boxes = smooth_boxes(padded_boxes(detector_boxes(landmarks), clip.size, PADS))
    corner, sides = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
    points = (landmarks[..., :2] - corner) / np.maximum(sides, 1)
    data.mouth[span] = mouth_squares(points.astype(np.float32))
    done = 0
    for chunk in clip.read_frames(chunk=64):
        upto = done + len(chunk)
        data.faces[start + done : start + upto] = cut_faces(chunk, boxes[done:upto])
        done = upto
