"""Transplants a mouth between frames of a clip: aligned to the head, with a soft edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.faces.head_pose import procrustes

_RIGID = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 127, 356, 234, 454)
"""Points that speech does not move: corners of the eyes, bridge and tip of the nose, temples, edges of the cheeks."""
_MOUTH = (2, 164, 205, 425, 61, 291, 17, 0, 214, 434, 135, 364, 169, 394, 150, 379, 149, 378, 176, 400, 148, 377, 152)
"""Points around the region that speech moves: under the nose, cheeks beside the mouth, lips, chin."""
_FEATHER = 0.04
"""Width of the soft edge as a share of the frame's side."""
_GRID = 33
"""Grid points a side at which the warp is computed; it is interpolated between them."""


def transplant(
    frame: NDArray[np.uint8],
    points: NDArray[np.float32],
    source: NDArray[np.uint8],
    source_points: NDArray[np.float32],
) -> NDArray[np.uint8]:
    """Put the mouth of one frame into another.

    The face mesh of `source` is aligned to the head of `frame` by the 3D similarity that fits the rigid points, and its
    pixels follow by a thin-plate spline. The region covers mouth and chin of both frames.

    Args:
        frame: (S, S, 3) uint8 RGB.
        points: Landmarks of `frame`, (478, 3) in pixels.
        source: The frame that provides the mouth, (S, S, 3) uint8 RGB.
        source_points: Landmarks of `source`, (478, 3) in pixels.

    Returns:
        (S, S, 3) uint8 RGB.
    """
    import cv2

    size = frame.shape[0]
    aligned = _align(source_points, points)
    map_x, map_y = cv2.split(_sampling_map(aligned, source_points[:, :2], size))
    warped = cv2.remap(np.ascontiguousarray(source), map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    mouths = np.concatenate([points[list(_MOUTH), :2], aligned[list(_MOUTH)]])
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(mouths).astype(np.int32)), 255)
    soft = cv2.GaussianBlur(mask, (0, 0), sigmaX=_FEATHER * size / 2)[..., None].astype(np.float32) / 255.0
    blended: NDArray[np.float32] = soft * warped + (1.0 - soft) * frame
    return np.round(blended).astype(np.uint8)


def _align(source_points: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float64]:
    """(478, 2) `source_points` aligned to the head of `points`."""
    rigid = list(_RIGID)
    source, target = source_points[rigid].astype(np.float64), points[None, rigid].astype(np.float64)
    pose = procrustes(source, target, np.ones(len(rigid)))
    return np.asarray(source_points @ pose[0, :2, :3].T + pose[0, :2, 3])


def _sampling_map(target: NDArray[np.float64], source: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """(S, S, 2) position in the source of every pixel, in OpenCV's pixel coordinates."""
    import cv2
    from scipy.interpolate import RBFInterpolator

    used = list(_RIGID + _MOUTH)
    steps = np.linspace(0.5, size - 0.5, _GRID)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    # The displacement is interpolated, not the position, so that the frame's edges stay in place.
    displacement = source[used] - target[used]
    moved = grid + RBFInterpolator(target[used], displacement, kernel="thin_plate_spline", smoothing=1.0)(grid)
    coarse = moved.reshape(_GRID, _GRID, 2).astype(np.float32)
    positions = (np.arange(size, dtype=np.float32)) * (_GRID - 1) / (size - 1)
    fine = cv2.remap(coarse, *np.meshgrid(positions, positions), cv2.INTER_LINEAR)
    # Landmarks count from pixels' corners, OpenCV from their centres.
    return np.asarray(fine - np.float32(0.5))
