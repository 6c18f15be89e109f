"""Points of the face mesh that several parts of the project go by, and the box that a face detector would draw."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

OUTER_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
"""Around the lips."""
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
"""Along the opening of the mouth."""
LIPS = OUTER_LIPS + INNER_LIPS
EYE_CORNERS = (33, 263)
"""Outer corners of the eyes."""
FACE_SIDES = (234, 454)
"""Where the face's outline meets the ears."""
FOREHEAD, CHIN = 151, 152
"""Middle of the forehead, and the lowest point of the chin."""

_CHEEKS = 0.8
"""Width of a detector's box, which leaves out the ears, in widths of the face's outline."""


class FaceExtents(NamedTuple):
    """Where a face detector such as S3FD would draw its box, frame by frame, in pixels."""

    middle: NDArray[np.float64]
    """(T,) x of the centre."""
    width: NDArray[np.float64]
    """(T,)"""
    top: NDArray[np.float64]
    """(T,)"""
    bottom: NDArray[np.float64]
    """(T,)"""


def face_extents(landmarks: NDArray[np.float32]) -> FaceExtents:
    """Of landmarks (T, 478, 2 or 3): middle of the forehead to the chin, and over the cheeks without the ears."""
    rows = landmarks[:, (FOREHEAD, CHIN), 1].astype(np.float64)
    columns = landmarks[:, FACE_SIDES, 0].astype(np.float64)
    width = _CHEEKS * np.ptp(columns, axis=1)
    return FaceExtents(columns.mean(axis=1), width, rows.min(axis=1), rows.max(axis=1))
