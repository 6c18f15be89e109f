"""The maps of each kind of `Alignment`, computed from the clip's face track."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.baselines.external.description import Alignment
from bench_lipsync.baselines.external.exchange.face_regions import EYE_LEFT, EYE_RIGHT, MOUTH
from bench_lipsync.baselines.external.exchange.geometry import Maps, Placement, fit_similarity
from bench_lipsync.harness.api.clip import PreparedClip


def place(alignment: Alignment, clip: PreparedClip) -> Placement:
    """The maps from the frames of `clip` to the input that the program expects."""
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
    """One square for all frames, that around the first: the program starts from the first frame."""
    low, high = landmarks[0].min(axis=0), landmarks[0].max(axis=0)
    side = float((high - low).max()) * (1 + 2 * alignment.margin)
    corner = (low + high) / 2 - side / 2
    scale = size / side
    matrix = np.array([[scale, 0.0, -corner[0] * scale], [0.0, scale, -corner[1] * scale]])
    return np.repeat(matrix[None], len(landmarks), axis=0)


def _similarity(landmarks: NDArray[np.float64], alignment: Alignment) -> Maps:
    """The similarity that best maps eyes and mouth to their targets, frame by frame."""
    target = np.array([alignment.left_eye, alignment.right_eye, alignment.mouth], float)
    source = np.stack([landmarks[:, list(part)].mean(axis=1) for part in (EYE_LEFT, EYE_RIGHT, MOUTH)], axis=1)
    maps = np.stack([fit_similarity(points, target) for points in source])
    centre = source[0].mean(axis=0)
    for matrix, points in zip(maps, source, strict=True):
        # The face's centre is smoothed, not the map's translation: that one changes with the head's rotation.
        centre = alignment.smoothing * centre + (1 - alignment.smoothing) * points.mean(axis=0)
        matrix[:, 2] = target.mean(axis=0) - matrix[:, :2] @ centre
    return maps
