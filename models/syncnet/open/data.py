"""Training material of the open SyncNet: wide mouth crops and audio of prepared clips, kept beside the training run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.util.files import appearing
from bench_lipsync.models.syncnet.open.crops import crop_mouths, mouth_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARGIN = 1.5
"""Stored crops are this much wider than the network's, so that augmentation can move, turn and shrink them."""


@dataclass(frozen=True)
class TrainingClip:
    """One clip as the trainer needs it."""

    id: str
    identity: str
    crops: NDArray[np.uint8]
    """(T, S, S) grey, `MARGIN` times as wide as the network's crop."""
    samples: NDArray[np.int16]
    """(T * 640,) at 16 kHz."""

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.crops)


def load_clips(clips: Iterable[PreparedClip], folder: Path, crop: int) -> Iterator[TrainingClip]:
    """Cut the crops of each clip once; `folder` keeps them by the clip's content."""
    folder.mkdir(parents=True, exist_ok=True)
    size = round(crop * MARGIN)
    for clip in clips:
        path = folder / f"{clip.content_hash[:32]}-{size}.npz"
        if not path.is_file():
            where = mouth_frames(clip.faces.landmarks)
            parts, done = [], 0
            for frames in clip.read_frames():
                parts.append(crop_mouths(frames, where[done : done + len(frames)], size, MARGIN))
                done += len(frames)
            with appearing(path) as partial:
                np.savez(partial, crops=np.concatenate(parts), samples=clip.audio())
        with np.load(path, allow_pickle=False) as archive:
            yield TrainingClip(clip.id, clip.identity, archive["crops"], archive["samples"])


def segment(clip: TrainingClip, start: int, frames: int) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """(frames, S, S) crops from `start` on and their samples."""
    first, last = start * SAMPLES_PER_FRAME, (start + frames) * SAMPLES_PER_FRAME
    return clip.crops[start : start + frames], clip.samples[first:last]
