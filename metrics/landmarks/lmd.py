"""Landmark distance between the faces of output and ground truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.metric import MetricInfo, Tolerance
from bench_lipsync.harness.faces.landmark_indices import EYE_CORNERS

FACE_POINTS = 468
"""Points of the face mesh without the irises, which have their own motion."""

_SETTINGS = "points=mediapipe@crop|unit=median-eye-distance-gt|pool=frame-mean,clip-mean|v1"
UNIT = "% of eye distance"

FACE = MetricInfo(
    name="LMD",
    variant="mediapipe",
    direction="lower",
    unit=UNIT,
    range=(0.0, None),
    level="clip",
    needs=frozenset({"truth", "faces"}),
    signature=f"LMD|part=face468|align=none|{_SETTINGS}",
    definition="mean distance of the 468 points of the face mesh from the ground truth's, found in both alike",
    tolerance=Tolerance(relative=0.1, absolute=0.1),
)
MOUTH = replace(
    FACE,
    name="LMD-mouth",
    signature=f"LMD-mouth|part=lips40|align=none|{_SETTINGS}",
    definition="the same for the 40 points of the lips",
)
MOUTH_CENTRED = replace(
    MOUTH,
    variant="mediapipe-centred",
    signature=f"LMD-mouth|part=lips40|align=centroid|{_SETTINGS}",
    definition="the same after both mouths were moved to one centre: the shape of the lips without their place",
)


def landmark_distance(output: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.float64]:
    """(...) mean Euclidean distance of points (..., P, 2), in their own unit."""
    distances = np.linalg.norm(output.astype(np.float64) - truth, axis=-1)
    return np.asarray(distances.mean(axis=-1), np.float64)


def centred(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Points (..., P, 2) with their mean at the origin."""
    wide = points.astype(np.float64)
    return np.asarray(wide - wide.mean(axis=-2, keepdims=True), np.float64)


def eye_distance(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(...) distance of the outer corners of the eyes, from the mesh's points (..., 468 or 478, 2)."""
    corners = points[..., EYE_CORNERS, :].astype(np.float64)
    return np.asarray(np.linalg.norm(corners[..., 0, :] - corners[..., 1, :], axis=-1), np.float64)
