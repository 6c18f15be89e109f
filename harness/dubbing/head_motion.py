"""Motion of the head between two times of the source, so that lips generated for one fit the other.

The model's frames are 40 ms apart; a source at 30 or 60 fps has frames between them, where the nearest frame's lips
would lag behind the head by up to 20 ms. They are moved with the head.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_RIGID = (10, 151, 9, 8, 168, 6, 197, 195, 33, 133, 263, 362, 127, 356, 162, 389, 21, 251, 54, 284)
"""Landmarks that speech does not move: forehead, bridge of the nose, corners of the eyes, temples."""
_SAME = 1e-3  # Seconds; closer times are the same frame.

Affine = NDArray[np.float64]


def head_motion(landmarks: NDArray[np.float32], times: NDArray[np.float64], index: int, time: float) -> Affine | None:
    """Similarity from crop pixels of one frame to those at another time.

    Args:
        landmarks: (M, 478, 3) in crop pixels; they are interpolated in time.
        times: (M,) increasing times of the landmarks in seconds.
        index: The frame.
        time: The other time in seconds.

    Returns:
        (2, 3), or `None` where both are the same frame.
    """
    if abs(times[index] - time) <= _SAME:
        return None
    after = int(np.clip(np.searchsorted(times, time), 1, len(times) - 1))
    left, right = after - 1, after
    span = times[right] - times[left]
    share = 0.0 if span <= _SAME else float(np.clip((time - times[left]) / span, 0, 1))
    rigid = list(_RIGID)
    target = (1 - share) * landmarks[left, rigid, :2] + share * landmarks[right, rigid, :2]
    return similarity(landmarks[index, rigid, :2].astype(np.float64), target.astype(np.float64))


def similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> Affine:
    """(2, 3) least-squares rotation, scale and translation from points `source` (N, 2) to `target` (N, 2)."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_mean, target - target_mean
    norm = float((a * a).sum())
    cosine = float((a * b).sum()) / norm
    sine = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / norm
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, target_mean - linear @ source_mean])
