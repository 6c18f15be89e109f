"""Where a program's picture lies in the clip's canonical crop, frame by frame, and the way there and back.

Maps are (2, 3) affine in continuous pixels (pixel i reaches from i to i + 1): `picture = map @ (x, y, 1)` for a point
(x, y) of the crop. A program that edits the crop itself has no maps: its frames are passed on byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float64]
_HALF = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])


@dataclass(frozen=True, eq=False)
class Placement:
    """The maps of one clip; both are `None` where the program gets and gives the canonical crop."""

    side: int
    """Of the canonical crop, in pixels."""
    inward: Maps | None = None
    """(T, 2, 3) crop to the picture that the program is given."""
    given: int = 0
    """Side of that picture."""
    cut: tuple[float, float, float, float] | None = None
    """(x, y, width, height) of the given picture that the program's own picture shows; `None`: all of it."""

    def give(self, frames: NDArray[np.uint8], start: int) -> NDArray[np.uint8]:
        """Crops (n, side, side, 3) of frames `start` and on as the program is given them; beyond the edge, the edge."""
        if self.inward is None:
            return frames
        maps = self.inward[start : start + len(frames)]
        pairs = zip(frames, maps, strict=True)
        return np.stack([warp(frame, one, self.given, self.given, None) for frame, one in pairs])

    def points(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Crop pixels (T, N, 2) of all frames as pixels of the picture that the program is given."""
        if self.inward is None:
            return points.astype(np.float64)
        moved: NDArray[np.float64] = np.einsum("tij,tpj->tpi", self.inward[:, :, :2], points.astype(np.float64))
        return moved + self.inward[:, None, :, 2]

    def take_back(self, pictures: NDArray[np.uint8], start: int, fill: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The program's pictures (n, H, W, 3) of frames `start` and on as crops; `fill` (3,) where there is none."""
        if self.inward is None:
            return pictures
        height, width = pictures.shape[1:3]
        maps = self._outward(width, height)[start : start + len(pictures)]
        pairs = zip(pictures, maps, strict=True)
        return np.stack([warp(picture, invert(one), self.side, self.side, fill) for picture, one in pairs])

    def coverage(self, start: int = 0, stop: int | None = None) -> float:
        """Share of the crop that the program's picture covers, 0 to 1: the mean of frames `start:stop`."""
        if self.inward is None:
            return 1.0
        maps = np.unique(self._outward(1, 1)[start:stop], axis=0, return_counts=True)
        shares = [_covered(invert(one), self.side) for one in maps[0]]
        return float(np.average(shares, weights=maps[1]))

    def covers(self, points: NDArray[np.floating], frame: int) -> bool:
        """Whether the program's picture shows all of `points` (N, 2), crop pixels of one frame."""
        if self.inward is None:
            return True
        one = self._outward(1, 1)[frame]
        inside = points @ one[:, :2].T + one[:, 2]
        return bool(((inside >= 0) & (inside <= 1)).all())

    def _outward(self, width: int, height: int) -> Maps:
        """(T, 2, 3) crop to the program's own picture of `width` x `height`."""
        if self.inward is None:
            raise ValueError("a placement without maps needs none")
        x, y, wide, high = self.cut or (0.0, 0.0, float(self.given), float(self.given))
        scale = np.array([width / wide, height / high])
        outward: Maps = self.inward * scale[:, None]
        outward[:, :, 2] -= np.array([x, y]) * scale
        return outward


def invert(one: Maps) -> Maps:
    """The (2, 3) map back."""
    linear = np.asarray(np.linalg.inv(one[:, :2]), np.float64)
    return np.concatenate([linear, -linear @ one[:, 2:]], axis=1)


def warp(
    picture: NDArray[np.uint8], one: Maps, width: int, height: int, fill: NDArray[np.uint8] | None
) -> NDArray[np.uint8]:
    """`picture` (H, W, 3) through a map of its pixels to those of a `width` x `height` one; `None` repeats its edge.

    Shrinking averages areas first, so that fine detail does not turn into noise.
    """
    import cv2

    high, wide = picture.shape[:2]
    scale = float(np.sqrt(abs(np.linalg.det(one[:, :2]))))
    if scale < 1:
        size = (max(1, round(wide * scale)), max(1, round(high * scale)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        one = one @ np.diag([wide / size[0], high / size[1], 1.0])
    # OpenCV counts from the middle of a pixel, we from its corner.
    centred = (np.linalg.inv(_HALF) @ np.vstack([one, [0.0, 0.0, 1.0]]) @ _HALF)[:2]
    # The edge's own pixels run out to its border before the fill begins, instead of fading into it.
    whole: NDArray[np.uint8] = np.asarray(
        cv2.warpAffine(picture, centred, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )
    if fill is not None:
        columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        back = invert(one)
        x = back[0, 0] * columns + back[0, 1] * rows + back[0, 2]
        y = back[1, 0] * columns + back[1, 1] * rows + back[1, 2]
        outside = (x < 0) | (y < 0) | (x > picture.shape[1]) | (y > picture.shape[0])
        whole[outside] = fill
    return whole


def _covered(one: Maps, side: int) -> float:
    """Share of a square of `side` pixels that the unit square covers under a map."""
    import cv2

    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float) @ one[:, :2].T + one[:, 2]
    square = np.array([[0, 0], [side, 0], [side, side], [0, side]], float)
    area, _ = cv2.intersectConvexConvex(corners.astype(np.float32), square.astype(np.float32))
    return min(1.0, float(area) / side**2)
