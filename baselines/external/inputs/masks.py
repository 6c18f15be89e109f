"""Masks of the lower face for programs that are given them: a polygon of the face's own points, filled.

The authors of StyleLipSync did not publish how they make theirs. This polygon is the one that the public copies of
their code use: cheeks below the eyes, across the nose, along the jaw. It follows the true jaw as it opens.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.baselines.external.placement.geometry import Placement
from bench_lipsync.harness.api.clip import PreparedClip

OUTLINE = (
    *(234, 50, 36, 49, 45, 4, 275, 279, 266, 280, 454, 323, 361, 435, 288, 397, 365, 379, 378),
    *(400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93),
)
"""Points of the face mesh around what is to be painted anew."""


def lower_faces(clip: PreparedClip, placement: Placement) -> Iterator[NDArray[np.uint8]]:
    """One chunk (1, size, size, 3) a frame: 255 within the outline, 0 elsewhere, where the picture is given."""
    import cv2

    side = placement.given or clip.size
    for corners in placement.points(clip.faces.landmarks[:, list(OUTLINE), :2]):
        mask = np.zeros((side, side, 3), np.uint8)
        cv2.fillPoly(mask, [np.round(corners - 0.5).astype(np.int32)], (255, 255, 255))
        yield mask[None]
