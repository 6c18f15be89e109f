"""LSE without any face detection: the whole picture squashed to 224x224, as Wav2Lip's script for LRS does it.

Wav2Lip's `evaluation/scores_LSE/calculate_scores_LRS.py` assumes footage that is cropped to the face already. So
are prepared clips, but less tightly than the network's own crop: values are on a scale of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.metrics.lse.clip import SyncAccumulator
from bench_lipsync.metrics.lse.crop import FACE_SIZE
from bench_lipsync.metrics.lse.published import PublishedScorer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class WholeFrameScorer(PublishedScorer):
    """LSE by the published network on whole frames (variant `whole-frame`)."""

    variant: ClassVar[str] = "whole-frame"
    crop: ClassVar[str] = "crop=whole-frame"
    needs: ClassVar[frozenset[str]] = frozenset({"audio"})

    def open(self, clip: PreparedClip) -> SyncAccumulator:
        """Begin a clip."""
        return self.scoring(lambda frames, first: np.stack([squash(frame) for frame in frames]))


def squash(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(224, 224, 3) BGR from one (H, W, 3) RGB frame, bilinear, whatever its shape was."""
    import cv2

    return np.asarray(cv2.resize(frame[..., ::-1], (FACE_SIZE, FACE_SIZE), interpolation=cv2.INTER_LINEAR), np.uint8)
