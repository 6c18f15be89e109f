"""The maps of each kind of `Alignment`, found from the clip's own face track."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.baselines.external.description import Alignment
from bench_lipsync.baselines.external.inputs.points import EYE_LEFT, EYE_RIGHT, MOUTH
from bench_lipsync.baselines.external.placement.geometry import Maps, Placement
from bench_lipsync.harness.api.clip import PreparedClip


def place(alignment: Alignment, clip: PreparedClip) -> Placement:
    """How the pictures of `clip` are brought to what the program expects."""
    size = alignment.size or clip.size
    if alignment.kind == "none" or (alignment.kind == "whole" and size == clip.size):
        return Placement(clip.size)
    if alignment.kind == "whole":
        scale = size / clip.size
        return Placement(clip.size, np.repeat(np.diag([scale, scale, 1.0])[None, :2], clip.frames, axis=0), size)
    landmarks = clip.faces.landmarks[:, :, :2].astype(np.float64)
    maps = _square(landmarks, alignment, size) if alignment.kind == "square" else _similarity(landmarks, alignment)
    return Placement(clip.size, maps, size, alignment.crop and tuple(map(float, alignment.crop)))  # type: ignore[arg-type]


def _square(landmarks: NDArray[np.float64], alignment: Alignment, size: int) -> Maps:
    """One square for all frames: that of the first, because the first frame is what the program starts from."""
    low, high = landmarks[0].min(axis=0), landmarks[0].max(axis=0)
    side = float((high - low).max()) * (1 + 2 * alignment.margin)
    corner = (low + high) / 2 - side / 2
    scale = size / side
    one = np.array([[scale, 0.0, -corner[0] * scale], [0.0, scale, -corner[1] * scale]])
    return np.repeat(one[None], len(landmarks), axis=0)


def _similarity(landmarks: NDArray[np.float64], alignment: Alignment) -> Maps:
    """The similarity that brings eyes and mouth nearest to their places, frame by frame."""
    target = np.array([alignment.left_eye, alignment.right_eye, alignment.mouth], float)
    source = np.stack([landmarks[:, list(part)].mean(axis=1) for part in (EYE_LEFT, EYE_RIGHT, MOUTH)], axis=1)
    maps = np.stack([fit_similarity(points, target) for points in source])
    middle = source[0].mean(axis=0)
    for one, points in zip(maps, source, strict=True):
        # Where the face is held is smoothed, not the map's last column: that one turns with the head.
        middle = alignment.smoothing * middle + (1 - alignment.smoothing) * points.mean(axis=0)
        one[:, 2] = target.mean(axis=0) - one[:, :2] @ middle
    return maps


def fit_similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> Maps:
    """(2, 3): rotation, scale and shift that bring points `source` (N, 2) nearest to `target`, in least squares.

    Raises `ValueError` for points that all lie in one place.
    """
    middle, aim = source.mean(axis=0), target.mean(axis=0)
    # As complex numbers a turn with a scale is one factor.
    here, there = (source - middle) @ [1, 1j], (target - aim) @ [1, 1j]
    spread = float((abs(here) ** 2).sum())
    if spread == 0:
        raise ValueError("the points lie in one place")
    factor = complex((here.conj() * there).sum() / spread)
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.hstack([linear, (aim - linear @ middle)[:, None]])
