"""The face mesh of one person's crops, for metrics that read the output's own face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.faces.landmarker import Landmarker
from bench_lipsync.harness.faces.region import Region
from bench_lipsync.metrics.landmarks.lmd import FACE_POINTS

Points = NDArray[np.float32]
"""(468, 2) x, y in pixels; NaN where no face was found."""


class PointFinder:
    """The points of the face in a crop. One a clip, opened when first asked.

    MediaPipe cannot be closed any more once the interpreter ends, so that none may be left open till then.
    """

    def __init__(self) -> None:
        self._landmarker: Landmarker | None = None

    def close(self) -> None:
        """Let MediaPipe go; asking again opens it again."""
        if self._landmarker is not None:
            self._landmarker.__exit__(None, None, None)
            self._landmarker = None

    def __call__(self, picture: NDArray[np.uint8], expected: Region) -> Points:
        """The face of `picture` (H, W, 3) that overlaps most with `expected`; NaN without one."""
        if self._landmarker is None:
            self._landmarker = Landmarker().__enter__()
        faces = self._landmarker.faces(picture)
        best = max(faces, key=lambda face: face.box.overlap(expected), default=None)
        if best is None or best.box.overlap(expected) == 0:
            return np.full((FACE_POINTS, 2), np.nan, np.float32)
        return np.ascontiguousarray(best.landmarks[:FACE_POINTS, :2])
