"""The face crop that the published SyncNet reads, cut by the ground truth's landmarks for every output alike.

The published pipeline follows S3FD boxes of the scored video itself. Here the boxes come from the landmarks of the
ground truth, so that a model cannot move its own crop; the rest of the geometry is the published one.
"""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

import numpy as np

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.landmark_indices import face_extents

if TYPE_CHECKING:
    from numpy.typing import NDArray

CROP_SCALE = 0.40
PAD_VALUE = 110
FACE_SIZE = 224
_MEDIAN = 13
"""Frames of the median filter over centre and size, as published."""


def face_boxes(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """(T, 3) of centre x, centre y and half side in pixels, from (T, 478, 3) landmarks.

    The S3FD box is estimated from the landmarks (`harness.faces.landmark_indices`). As published, the half side is half
    of its larger side, which is its height but for a nodding head, and all three are median-filtered over 13 frames
    (with the end frames repeated, where the published code pads with zeros).
    """
    from scipy.ndimage import median_filter

    face = face_extents(landmarks)
    half = np.maximum(face.bottom - face.top, face.width) / 2
    box = np.column_stack([face.middle, (face.top + face.bottom) / 2, half])
    return np.asarray(median_filter(box, size=(_MEDIAN, 1), mode="nearest"), np.float64)


def crop_face(frame: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(224, 224, 3) BGR crop of one (H, W, 3) RGB frame around (x, y, half side).

    Rows y-h to y+1.8h, columns x-1.4h to x+1.4h, 110 beyond the frame, bilinear. Raises `ClipError` for a face of
    no size.
    """
    x, y, half = (float(value) for value in box)
    if not np.isfinite(box).all() or half < 1:
        raise ClipError(Status.METRIC_FAILED, f"face box of {half:.2f} pixels half side at ({x:.1f}, {y:.1f})")
    # Rounded down as in the published code, where padding keeps the numbers positive before they are truncated.
    top, bottom = floor(y - half), floor(y + half * (1 + 2 * CROP_SCALE))
    left, right = floor(x - half * (1 + CROP_SCALE)), floor(x + half * (1 + CROP_SCALE))
    inside = frame[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0), ::-1]
    face = np.full((bottom - top, right - left, 3), PAD_VALUE, np.uint8)
    row, column = max(-top, 0), max(-left, 0)
    face[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    return resize_face(face)


def crop_faces(frames: NDArray[np.uint8], boxes: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(n, 224, 224, 3) crops of (n, H, W, 3) frames around their boxes (n, 3); see `crop_face`."""
    return np.stack([crop_face(frame, box) for frame, box in zip(frames, boxes, strict=True)])


def resize_face(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(224, 224, 3) from (H, W, 3), bilinear; the aspect ratio is not kept."""
    import cv2

    return np.asarray(cv2.resize(image, (FACE_SIZE, FACE_SIZE), interpolation=cv2.INTER_LINEAR), np.uint8)
