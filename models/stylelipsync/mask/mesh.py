"""MediaPipe's mesh of a clip: one 3D shape without the frames' poses and expressions, and the pose of every frame.

The paper fits a morphable model (its vertex set and opened-mouth coefficients are not public); taking the median of
MediaPipe's 468 vertices over the clip after undoing each frame's pose is ours.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.models.stylelipsync.mask.face import MeshTrack, NeutralShape, TrackedPoints
from bench_lipsync.models.stylelipsync.mask.similarity import Points, fit

VERTICES = 468
"""MediaPipe's face mesh without the ten iris points."""
UPPER_FACE = (10, 151, 9, 8, 168, 6, 197, 195, 33, 133, 263, 362, 127, 356, 162, 389, 21, 251, 54, 284)
"""Vertices that neither the jaw nor the lips move: forehead, nose bridge, eye corners, temples."""
EYE_RIGHT, EYE_LEFT = 33, 263
"""Outer eye corners; image left and image right of a frontal face."""
FOREHEAD, CHIN = 10, 152
INNER_LIPS = (13, 14)
"""Middle of the upper and of the lower lip's inner edge."""
NOSE_ABOVE_TIP, NOSE_BASE = 5, 2
MOUTH_CORNERS = (61, 291)
JAW_JOINT = (234, 93, 454, 323)
"""Vertices around the joints, in front of the ears."""
_ROUNDS = 3


def lip_opening(landmarks: NDArray[np.floating]) -> Points:
    """How far the inner lips of `landmarks` (T, >= 468, 3) are apart, (T,), in distances of the outer eye corners."""
    upper, lower = (landmarks[:, point].astype(np.float64) for point in INNER_LIPS)
    eyes = landmarks[:, EYE_LEFT].astype(np.float64) - landmarks[:, EYE_RIGHT]
    opening: Points = np.linalg.norm(lower - upper, axis=1) / np.linalg.norm(eyes, axis=1)
    return opening


def in_drawing(landmarks: NDArray[np.float32], size: int, drawn: int) -> NDArray[np.float32]:
    """`landmarks` (T, 478, 3) of `size` px frames in frames of `drawn` px.

    A track's pixel i reaches from i to i + 1; drawing has pixel centres at integers, hence the half.
    """
    scaled = landmarks * np.float32(drawn / size)
    scaled[..., :2] -= 0.5
    return scaled


def fit_mesh(landmarks: NDArray[np.float32]) -> MeshTrack:
    """MediaPipe's mesh as a parametric one: a shape for the clip and a pose for every frame, as they were found.

    `landmarks` (T, >= 468, 3), pixels with MediaPipe's z, are those of the whole clip.
    """
    points = landmarks[:, :VERTICES].astype(np.float64)
    upper = points[:, UPPER_FACE]
    vertices = _upright(points[0])
    for _ in range(_ROUNDS):
        poses = fit(vertices[list(UPPER_FACE)], upper)
        vertices = _upright(np.median(poses.undo(points), axis=0))
    rigid = vertices[list(UPPER_FACE)]
    return MeshTrack(
        shape=_shape(vertices),
        poses=fit(rigid, upper),
        anchor=rigid.mean(axis=0),
        opening=lip_opening(points),
        tracked=TrackedPoints(points[..., :2]),
    )


def _shape(vertices: Points) -> NeutralShape:
    return NeutralShape(
        vertices=vertices,
        triangles=triangles(),
        top=float(vertices[NOSE_ABOVE_TIP, 1]),
        nose_base=float(vertices[NOSE_BASE, 1]),
        mouth=float(vertices[list(MOUTH_CORNERS), 1].mean()),
        jaw_joint=vertices[list(JAW_JOINT)].mean(axis=0),
    )


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
