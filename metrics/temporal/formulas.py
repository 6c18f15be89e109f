"""Temporal steadiness of the lower face: warping error, and acceleration of the motion.

Both use the optical flow of the scored video itself, so they apply to any audio. Frames are crops of one place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

JAW = (132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361)
"""Points of the face mesh along the jaw, ear to ear; their hull holds mouth and chin and ends below the nose."""
MARGIN = 16
"""Pixels around the lower face in which motion is searched too."""


class FlowFinder:
    """Dense inverse search (Kroeger, Timofte, Dai and Van Gool, ECCV 2016) as OpenCV has it, preset "medium".

    It compares patches after taking out their mean, so that a change of brightness is not mistaken for motion.
    """

    def __init__(self) -> None:
        import cv2

        # By its long name: the short one is missing from OpenCV's type hints.
        self._finder: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def __call__(self, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 2) x and y in pixels: where each pixel of `first` (H, W, 3) has gone in `second`."""
        import cv2

        if np.array_equal(first, second):
            return np.zeros((*first.shape[:2], 2), np.float32)
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)]
        return np.asarray(self._finder.calc(grey[0], grey[1], None), np.float32)


def lower_face_box(landmarks: NDArray[np.float32], size: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in pixels of what holds the lower face in all frames, with a margin, inside the crop.

    `landmarks` are (T, 478, 2 or 3); right and bottom are exclusive. Empty where the face is outside the crop.
    """
    points = landmarks[:, JAW, :2].reshape(-1, 2)
    low, high = np.floor(points.min(axis=0)) - MARGIN, np.ceil(points.max(axis=0)) + MARGIN
    left, top, right, bottom = np.clip(np.concatenate([low, high]), 0, size).astype(int)
    return int(left), int(top), int(right), int(bottom)


def lower_face(landmarks: NDArray[np.float32], shape: tuple[int, int], origin: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W) the hull of a frame's jaw points, from (478, 2 or 3) landmarks; `origin` is the crop's left and top."""
    import cv2

    points = np.round(landmarks[JAW, :2] - np.asarray(origin)).astype(np.int32)
    plane = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(plane, cv2.convexHull(points), 1)
    return plane.astype(np.bool_)


def warping_error(
    first: NDArray[np.uint8], second: NDArray[np.uint8], flow: NDArray[np.float32], region: NDArray[np.bool_]
) -> float:
    """Mean |first(x) - second(x + flow(x))| over the pixels x of `region` and three channels, in levels of 255."""
    import cv2

    rows, columns = np.indices(first.shape[:2], dtype=np.float32)
    moved = cv2.remap(
        second, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return float(np.abs(first[region].astype(np.int32) - moved[region]).mean())


def acceleration(forward: NDArray[np.float32], backward: NDArray[np.float32], region: NDArray[np.bool_]) -> float:
    """Mean length over `region` of the change of velocity, in pixels a frame squared.

    `forward` is the flow from a frame to the next, `backward` from the same frame to the one before; constant motion
    makes them opposite.
    """
    return float(np.linalg.norm(forward[region] + backward[region], axis=-1).mean())
