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


def interpolate_poses(poses: NDArray[np.float32], detected: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Like `interpolate` for (T, 4, 4) rigid motions: what comes out is a rotation and a translation again."""
    result = interpolate(poses, detected)
    for index in np.flatnonzero(~detected):
        left, _, right = np.linalg.svd(result[index, :3, :3].astype(np.float64))
        result[index, :3, :3] = left @ right  # the nearest rotation; over a short gap the mean of rotations is near one
    return result
