"""Lip opening: its error and its correlation with the ground truth's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.metric import Tolerance
from bench_lipsync.metrics.landmarks.lmd import FACE

UPPER, LOWER = (82, 13, 312), (87, 14, 317)
"""Facing points of the inner lips: left of the middle, the middle, right of it."""

_SETTINGS = "points=mediapipe@crop|opening=mean-of-3-inner-lip-pairs"

ERROR = replace(
    FACE,
    name="LipOpen-error",
    signature=f"LipOpen-error|{_SETTINGS}|unit=median-eye-distance-gt|pool=frame-mean,clip-mean|v1",
    definition="mean absolute difference of the lips' opening from the ground truth's",
    tolerance=Tolerance(relative=0.1, absolute=0.01),
)
CORRELATION = replace(
    FACE,
    name="LipOpen-corr",
    direction="higher",
    unit="",
    range=(-1.0, 1.0),
    signature=f"LipOpen-corr|{_SETTINGS}|pearson|pool=clip-mean|v1",
    definition="correlation over the clip's frames of the lips' opening with the ground truth's; none for still lips",
    tolerance=Tolerance(absolute=0.03),
)


def lip_opening(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(...) mean distance of the three facing pairs of inner lip points, from the mesh (..., 468 or 478, 2)."""
    gaps = points[..., UPPER, :].astype(np.float64) - points[..., LOWER, :]
    return np.asarray(np.linalg.norm(gaps, axis=-1).mean(axis=-1), np.float64)


def opening_error(output: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Mean absolute difference of two curves (T,)."""
    return float(np.abs(output - truth).mean())


def opening_correlation(output: NDArray[np.float64], truth: NDArray[np.float64]) -> float | None:
    """Pearson's correlation of two curves (T,); `None` where one of them does not move, as it then is not defined."""
    a, b = output - output.mean(), truth - truth.mean()
    norm = np.sqrt((a @ a) * (b @ b))
    if norm <= 1e-12 * max(1.0, float(np.abs(output).max()) * float(np.abs(truth).max())):
        return None
    return float(np.clip(a @ b / norm, -1.0, 1.0))
