"""Face tracks that tests make up: the points matter, everything else says that nothing happens."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bench_lipsync.harness.faces.track import FaceTrack


def plain_track(landmarks: ArrayLike) -> FaceTrack:
    """A face in every frame at `landmarks` (frames, 478, 3), without a turn or an expression."""
    points = np.asarray(landmarks, np.float32)
    count = len(points)
    return FaceTrack(
        landmarks=points,
        pose=np.tile(np.eye(4, dtype=np.float32), (count, 1, 1)),
        blendshapes=np.zeros((count, 52), np.float32),
        affine=np.tile(np.eye(2, 3), (count, 1, 1)),
        detected=np.ones(count, bool),
    )


def still_track(frames: int, size: int) -> FaceTrack:
    """The same points anywhere in a crop of `size` pixels, in every frame."""
    return plain_track(np.tile(np.random.default_rng(0).uniform(0, size, (478, 3)), (frames, 1, 1)))
