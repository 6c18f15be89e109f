"""How the head moved between two moments of the source, so that lips made for one can be put on the other.

The model's frames stand 40 ms apart; a source at 30 or 60 frames a second also shows moments in between. There the
nearest frame's lips would lag behind the head by up to 20 ms, so they are moved along with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_RIGID = (10, 151, 9, 8, 168, 6, 197, 195, 33, 133, 263, 362, 127, 356, 162, 389, 21, 251, 54, 284)
"""Landmarks that neither jaw nor lips move: forehead, bridge of the nose, corners of the eyes, temples."""
_SAME = 1e-3  # seconds; closer moments are one picture

Affine = NDArray[np.float64]


def head_motion(landmarks: NDArray[np.float32], times: NDArray[np.float64], index: int, moment: float) -> Affine | None:
    """(2, 3) similarity from crop pixels of frame `index` to those at `moment`; `None` where both are one picture.

    `landmarks` (M, 478, 3) in crop pixels are known at `times` (M,), which rise; between them they are interpolated.
    """
    if abs(times[index] - moment) <= _SAME:
        return None
    after = int(np.clip(np.searchsorted(times, moment), 1, len(times) - 1))
    left, right = after - 1, after
    span = times[right] - times[left]
    share = 0.0 if span <= _SAME else float(np.clip((moment - times[left]) / span, 0, 1))
    rigid = list(_RIGID)
    there = (1 - share) * landmarks[left, rigid, :2] + share * landmarks[right, rigid, :2]
    return similarity(landmarks[index, rigid, :2].astype(np.float64), there.astype(np.float64))


def similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> Affine:
    """(2, 3) turn, scale and shift that bring points `source` (N, 2) nearest to `target` (N, 2), least squares."""
    middle, aim = source.mean(axis=0), target.mean(axis=0)
    a, b = source - middle, target - aim
    norm = float((a * a).sum())
    cosine = float((a * b).sum()) / norm
    sine = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / norm
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, aim - turn @ middle])
