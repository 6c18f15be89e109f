"""MediaPipe's pinhole camera, and poses carried from one cut-out of a picture to another.

FaceLandmarker's 4x4 matrix places a face in front of a camera 63 degrees high that looks at exactly the picture it was
given; for the same face in a cut-out the matrix is another one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from harness.faces.region import Region

VERTICAL_FOV_DEGREES = 63.0
"""Height of the view of the camera that FaceLandmarker's geometry pipeline assumes."""


def focal_length(height: float) -> float:
    """Distance of the image plane, in pixels, for a picture of `height` pixels."""
    return height / 2 / math.tan(math.radians(VERTICAL_FOV_DEGREES) / 2)


def project(pose: NDArray[np.float32], points: NDArray[np.float32], width: float, height: float) -> NDArray[np.float64]:
    """Continuous pixels (N, 2) of `points` (N, 3; centimetres on the canonical face) seen under `pose` (4, 4)."""
    placed = points.astype(np.float64) @ pose[:3, :3].T.astype(np.float64) + pose[:3, 3]
    scale = focal_length(height) / -placed[:, 2]
    return np.stack([width / 2 + placed[:, 0] * scale, height / 2 - placed[:, 1] * scale], axis=1)


def move_pose(pose: NDArray[np.float32], source: Region, target: Region) -> NDArray[np.float32]:
    """`pose` (4, 4), estimated in the cut-out `source`, as it would be for the cut-out `target` of the same picture.

    The face keeps its place and size in the picture's pixels and is seen along the new line of sight; the small change
    of perspective within the face is left out (the estimate knows nothing about the true camera either).
    """
    x, y, z = pose[:3, 3].astype(np.float64)
    focal, new_focal = focal_length(source.height), focal_length(target.height)
    column = source.x + source.width / 2 + focal * x / -z
    row = source.y + source.height / 2 - focal * y / -z
    depth = -z * new_focal / focal
    moved = np.array(
        [
            (column - target.x - target.width / 2) * depth / new_focal,
            -(row - target.y - target.height / 2) * depth / new_focal,
            -depth,
        ]
    )
    result = np.eye(4)
    result[:3, :3] = _turn(np.array([x, y, z]), moved) @ pose[:3, :3].astype(np.float64)
    result[:3, 3] = moved
    return result.astype(np.float32)


def _turn(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smallest rotation that takes the direction `before` to the direction `after` (Rodrigues' formula)."""
    a, b = before / np.linalg.norm(before), after / np.linalg.norm(after)
    v = np.cross(a, b)
    skew = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    turn: NDArray[np.float64] = np.eye(3) + skew + skew @ skew / (1 + a @ b)
    return turn
