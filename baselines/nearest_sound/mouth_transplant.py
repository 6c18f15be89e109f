"""A mouth from one frame put into another of the same clip: moved with the head, feathered at its edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.faces.head_pose import procrustes

_STILL = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 127, 356, 234, 454)
"""Points that speaking does not move: corners of the eyes, bridge and tip of the nose, temples and cheeks' edges."""
_MOUTH = (2, 164, 205, 425, 61, 291, 17, 0, 214, 434, 135, 364, 169, 394, 150, 379, 149, 378, 176, 400, 148, 377, 152)
"""Points around what speaking moves: under the nose, cheeks beside the mouth, lips, chin."""
_FEATHER = 0.04
"""Width of the soft edge as a share of the picture's side."""


_GRID = 33
"""Points a side at which the warp is computed; between them it is interpolated."""


def transplant(
    frame: NDArray[np.uint8],
    points: NDArray[np.float32],
    source: NDArray[np.uint8],
    source_points: NDArray[np.float32],
) -> NDArray[np.uint8]:
    """`frame` (S, S, 3) uint8 RGB with the mouth of `source`; points are the frames' landmarks (478, 3) in pixels.

    The mesh of `source` is turned to the head of `frame` by the similarity in space that fits the points which
    speaking does not move, and a thin-plate spline carries its picture along. The region covers mouth and chin of both.
    """
    import cv2

    size = frame.shape[0]
    turned = _turned(source_points, points)
    places = _spline(turned, source_points[:, :2], size)
    across, down = cv2.split(places)
    moved = cv2.remap(np.ascontiguousarray(source), across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    mouths = np.concatenate([points[list(_MOUTH), :2], turned[list(_MOUTH)]])
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(mouths).astype(np.int32)), 255)
    soft = cv2.GaussianBlur(mask, (0, 0), sigmaX=_FEATHER * size / 2)[..., None].astype(np.float32) / 255.0
    mixed: NDArray[np.float32] = soft * moved + (1.0 - soft) * frame
    return np.round(mixed).astype(np.uint8)


def _turned(source_points: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float64]:
    """(478, 2) the points of `source_points` as they would lie on the head of `points`."""
    still = list(_STILL)
    head = procrustes(
        source_points[still].astype(np.float64), points[None, still].astype(np.float64), np.ones(len(still))
    )
    return np.asarray(source_points @ head[0, :2, :3].T + head[0, :2, 3])


def _spline(to: NDArray[np.float64], origin: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """(S, S, 2): for every pixel the place in the source that it shows, in OpenCV's pixels."""
    import cv2
    from scipy.interpolate import RBFInterpolator

    near = list(_STILL + _MOUTH)
    steps = np.linspace(0.5, size - 0.5, _GRID)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    # What is interpolated is the displacement, so that the pictures' edges stay where they are.
    moved = grid + RBFInterpolator(to[near], origin[near] - to[near], kernel="thin_plate_spline", smoothing=1.0)(grid)
    coarse = moved.reshape(_GRID, _GRID, 2).astype(np.float32)
    places = (np.arange(size, dtype=np.float32)) * (_GRID - 1) / (size - 1)
    across, down = np.meshgrid(places, places)
    fine = cv2.remap(coarse, across, down, cv2.INTER_LINEAR)
    # Landmarks count from pixels' corners, OpenCV from their centres.
    return np.asarray(fine - np.float32(0.5))
