"""Maps between a program's frames and the clip's canonical crop.

Maps are (2, 3) affine in continuous pixels (pixel i covers i to i + 1): `point = map @ (x, y, 1)` for a point (x, y)
of the crop. A program that edits the crop itself has no maps: its frames are passed on byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float64]
_HALF = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])


@dataclass(frozen=True, eq=False)
class Placement:
    """The maps of one clip; none where the program reads and writes the canonical crop."""

    side: int
    """Side of the canonical crop, in pixels."""
    inward: Maps | None = None
    """(T, 2, 3) crop to the program's input frame."""
    given: int = 0
    """Side of that input frame."""
    cut: tuple[float, float, float, float] | None = None
    """(x, y, width, height) of the input frame that the program's output shows; `None`: all of it."""

    def give(self, frames: NDArray[np.uint8], start: int) -> NDArray[np.uint8]:
        """Crops (n, side, side, 3) of frames `start` and on as input frames; the edge is repeated beyond the crop."""
        if self.inward is None:
            return frames
        maps = self.inward[start : start + len(frames)]
        pairs = zip(frames, maps, strict=True)
        return np.stack([warp(frame, matrix, self.given, self.given, None) for frame, matrix in pairs])

    def points(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Crop pixels (T, N, 2) of all frames as pixels of the input frames."""
        if self.inward is None:
            return points.astype(np.float64)
        moved: NDArray[np.float64] = np.einsum("tij,tpj->tpi", self.inward[:, :, :2], points.astype(np.float64))
        return moved + self.inward[:, None, :, 2]

    def take_back(self, outputs: NDArray[np.uint8], start: int, fill: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The program's frames (n, H, W, 3) from frame `start` on as crops; `fill` (3,) where they do not reach."""
        if self.inward is None:
            return outputs
        height, width = outputs.shape[1:3]
        maps = self._outward(width, height)[start : start + len(outputs)]
        pairs = zip(outputs, maps, strict=True)
        return np.stack([warp(frame, invert(matrix), self.side, self.side, fill) for frame, matrix in pairs])

    def coverage(self, start: int = 0, stop: int | None = None) -> float:
        """Share of the crop that the program's output covers, 0 to 1: the mean of frames `start:stop`."""
        if self.inward is None:
            return 1.0
        maps, counts = np.unique(self._outward(1, 1)[start:stop], axis=0, return_counts=True)
        shares = [_covered(invert(matrix), self.side) for matrix in maps]
        return float(np.average(shares, weights=counts))

    def covers(self, points: NDArray[np.floating], frame: int) -> bool:
        """Whether the program's output shows all of `points` (N, 2), crop pixels of one frame."""
        if self.inward is None:
            return True
        matrix = self._outward(1, 1)[frame]
        relative = points @ matrix[:, :2].T + matrix[:, 2]
        return bool(((relative >= 0) & (relative <= 1)).all())

    def _outward(self, width: int, height: int) -> Maps:
        """(T, 2, 3) crop to the program's output of `width` x `height`."""
        if self.inward is None:
            raise ValueError("a placement without maps needs none")
        x, y, cut_width, cut_height = self.cut or (0.0, 0.0, float(self.given), float(self.given))
        scale = np.array([width / cut_width, height / cut_height])
        outward: Maps = self.inward * scale[:, None]
        outward[:, :, 2] -= np.array([x, y]) * scale
        return outward


def invert(matrix: Maps) -> Maps:
    """The inverse of a (2, 3) map."""
    linear = np.asarray(np.linalg.inv(matrix[:, :2]), np.float64)
    return np.concatenate([linear, -linear @ matrix[:, 2:]], axis=1)


def fit_similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> Maps:
    """The rotation, scale and translation that best maps `source` onto `target` in the least-squares sense.

    Args:
        source: (N, 2) points.
        target: (N, 2) points.

    Returns:
        A (2, 3) map.

    Raises:
        ValueError: All points of `source` coincide.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    # As complex numbers, rotation and scale are one factor.
    source_offsets, target_offsets = (source - source_mean) @ [1, 1j], (target - target_mean) @ [1, 1j]
    spread = float((abs(source_offsets) ** 2).sum())
    if spread == 0:
        raise ValueError("the points lie in one place")
    factor = complex((source_offsets.conj() * target_offsets).sum() / spread)
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.hstack([linear, (target_mean - linear @ source_mean)[:, None]])


def warp(
    frame: NDArray[np.uint8], matrix: Maps, width: int, height: int, fill: NDArray[np.uint8] | None
) -> NDArray[np.uint8]:
    """Warp a frame; when it shrinks, areas are averaged first to avoid aliasing.

    Args:
        frame: (H, W, 3) uint8.
        matrix: (2, 3) map of its pixels to those of the result.
        width: Of the result.
        height: Of the result.
        fill: (3,) colour outside the frame; `None` repeats its edge.

    Returns:
        (height, width, 3) uint8.
    """
    import cv2

    source_height, source_width = frame.shape[:2]
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 1:
        size = (max(1, round(source_width * scale)), max(1, round(source_height * scale)))
        frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = matrix @ np.diag([source_width / size[0], source_height / size[1], 1.0])
    # OpenCV counts from the centre of a pixel, we from its corner.
    centred = (np.linalg.inv(_HALF) @ np.vstack([matrix, [0.0, 0.0, 1.0]]) @ _HALF)[:2]
    # Edge pixels are repeated even with `fill`, so that they do not blend into it.
    warped: NDArray[np.uint8] = np.asarray(
        cv2.warpAffine(frame, centred, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )
    if fill is not None:
        columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        back = invert(matrix)
        x = back[0, 0] * columns + back[0, 1] * rows + back[0, 2]
        y = back[1, 0] * columns + back[1, 1] * rows + back[1, 2]
        outside = (x < 0) | (y < 0) | (x > frame.shape[1]) | (y > frame.shape[0])
        warped[outside] = fill
    return warped


def _covered(matrix: Maps, side: int) -> float:
    """Share of a square of `side` pixels that the unit square covers under a map."""
    import cv2

    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float) @ matrix[:, :2].T + matrix[:, 2]
    square = np.array([[0, 0], [side, 0], [side, side], [0, side]], float)
    area, _ = cv2.intersectConvexConvex(corners.astype(np.float32), square.astype(np.float32))
    return min(1.0, float(area) / side**2)
