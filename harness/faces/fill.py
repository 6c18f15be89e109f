"""Frames without a detected face, filled in from their neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def interpolate(values: NDArray[np.float32], detected: NDArray[np.bool_]) -> NDArray[np.float32]:
    """`values` (T, ...) with the frames that are not `detected` (T,) interpolated linearly; ends are held."""
    known = np.flatnonzero(detected)
    if len(known) == len(detected):
        return values
    result = values.copy()
    for index in np.flatnonzero(~detected):
        after = int(np.searchsorted(known, index))
        left, right = known[max(after - 1, 0)], known[min(after, len(known) - 1)]
        weight = 0.0 if left == right else (index - left) / (right - left)
        result[index] = (1 - weight) * values[left] + weight * values[right]
    return result
