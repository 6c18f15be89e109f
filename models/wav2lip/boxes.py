"""Where Wav2Lip cuts and pastes: face boxes with padding, smoothed as its inference script smooths them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.faces.landmark_indices import face_extents

_SMOOTH = 5
"""Frames of the smoothing window."""


class Pads(NamedTuple):
    """Pixels added to the detector's box, at the canonical crop's size."""

    top: int = 0
    bottom: int = 10
    left: int = 0
    right: int = 0


def detector_boxes(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """(T, 4) of left, top, right, bottom in pixels, as S3FD would give them, from landmarks (T, 478, 3)."""
    face = face_extents(landmarks)
    half = face.width / 2
    return np.stack([face.middle - half, face.top, face.middle + half, face.bottom], axis=1)


def padded_boxes(boxes: NDArray[np.float64], size: int, pads: Pads) -> NDArray[np.int64]:
    """`boxes` (T, 4) with `pads`, clipped to an image of `size` and cut to whole pixels."""
    padded = boxes.astype(np.int64) + np.array([-pads.left, -pads.top, pads.right, pads.bottom])
    clipped: NDArray[np.int64] = np.clip(padded, 0, size)
    return clipped


def smooth_boxes(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Mean of each box and the four behind it, cut to whole pixels.

    Written back as it goes, as published: the last four take the mean of the last five, some of which are means
    already. Clips of fewer than five frames are averaged whole.
    """
    smooth = boxes.copy()
    for index in range(len(smooth)):
        start = max(0, min(index, len(smooth) - _SMOOTH))
        smooth[index] = smooth[start : start + _SMOOTH].mean(axis=0)
    return smooth
