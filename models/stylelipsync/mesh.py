"""The neutral face of a clip: one 3D shape without the frames' poses and expressions, and the pose of every frame.

The paper fits a morphable model (its vertex set and opened-mouth coefficients are not public); taking the median of
MediaPipe's 468 vertices over the clip after undoing each frame's pose is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.stylelipsync.rigid import Points, Similarity, fit
from models.stylelipsync.steady import steady

VERTICES = 468
"""MediaPipe's face mesh without the ten iris points."""
UPPER_FACE = (10, 151, 9, 8, 168, 6, 197, 195, 33, 133, 263, 362, 127, 356, 162, 389, 21, 251, 54, 284)
"""Vertices that neither the jaw nor the lips move: forehead, nose bridge, eye corners, temples."""
EYE_RIGHT, EYE_LEFT = 33, 263
"""Outer eye corners; image left and image right of a frontal face."""
FOREHEAD, CHIN = 10, 152
INNER_LIPS = (13, 14)
"""Middle of the upper and of the lower lip's inner edge."""
_ROUNDS = 3


@dataclass(frozen=True)
class NeutralFace:
    """A face's own shape and how it lies in every frame."""

    vertices: Points
    """(468, 3): x to image right, y from forehead to chin, z away from the camera; the outer eye corners are
    one apart and the origin lies between them."""
    poses: Similarity
    """From `vertices` to pixels of every frame, freed of what the lips put into them."""
    tracked: Points
    """(T, 468, 2) pixels: the vertices as they were found, with the frame's true lips and jaw."""

    def span(self, start: int, stop: int) -> NeutralFace:
        """The same face in frames `start:stop` only."""
        poses = Similarity(*(part[start:stop] for part in self.poses))
        return NeutralFace(self.vertices, poses, self.tracked[start:stop])


def lip_opening(landmarks: NDArray[np.floating]) -> Points:
    """How far the inner lips of `landmarks` (T, >= 468, 3) are apart, (T,), in distances of the outer eye corners."""
    upper, lower = (landmarks[:, point].astype(np.float64) for point in INNER_LIPS)
    eyes = landmarks[:, EYE_LEFT].astype(np.float64) - landmarks[:, EYE_RIGHT]
    opening: Points = np.linalg.norm(lower - upper, axis=1) / np.linalg.norm(eyes, axis=1)
    return opening


def clip_face(landmarks: NDArray[np.float32], size: int, drawn: int) -> NeutralFace:
    """The neutral face of a track's `landmarks` (T, 478, 3) in `size` px frames, posed in frames of `drawn` px.

    A track's pixel i reaches from i to i + 1; drawing has pixel centres at integers, hence the half.
    """
    scaled = landmarks * np.float32(drawn / size)
    scaled[..., :2] -= 0.5
    return neutral_face(scaled)


def neutral_face(landmarks: NDArray[np.float32]) -> NeutralFace:
    """The median of the unposed faces of `landmarks` (T, >= 468, 3), pixels with MediaPipe's z, and its steady poses.

    `landmarks` are those of the whole clip: poses are smoothed over time.
    """
    points = landmarks[:, :VERTICES].astype(np.float64)
    upper = points[:, UPPER_FACE]
    shape = _upright(points[0])
    for _ in range(_ROUNDS):
        poses = fit(shape[list(UPPER_FACE)], upper)
        shape = _upright(np.median(poses.undo(points), axis=0))
    rigid = shape[list(UPPER_FACE)]
    return NeutralFace(shape, steady(fit(rigid, upper), lip_opening(points), rigid.mean(axis=0)), points[..., :2])


@cache
def triangles() -> NDArray[np.int32]:
    """The mesh's triangles (852, 3); eyes and mouth are holes."""
    from mediapipe.tasks.python.vision import FaceLandmarksConnections

    edges = [(edge.start, edge.end) for edge in FaceLandmarksConnections.FACE_LANDMARKS_TESSELATION]
    # The list goes round one triangle after the other, three edges each.
    return np.array([[edges[i][0], edges[i + 1][0], edges[i + 2][0]] for i in range(0, len(edges), 3)], np.int32)


def _upright(points: Points) -> Points:
    """Move `points` (468, 3) into the neutral face's coordinates."""
    across = points[EYE_LEFT] - points[EYE_RIGHT]
    size = float(np.linalg.norm(across))
    x = across / size
    down = points[CHIN] - points[FOREHEAD]
    y = down - (down @ x) * x
    y /= np.linalg.norm(y)
    axes = np.stack([x, y, np.cross(x, y)])
    upright: Points = (points - (points[EYE_LEFT] + points[EYE_RIGHT]) / 2) @ axes.T / size
    return upright
