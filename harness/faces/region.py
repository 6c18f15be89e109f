"""Upright rectangles of a picture, in pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Region:
    """A rectangle; may be fractional and may reach beyond the picture."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def around(cls, points: NDArray[np.float32]) -> Region:
        """The bounding box of `points` (N, 2 or more): x and y come first."""
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        return cls(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))

    @classmethod
    def parse(cls, text: str) -> Region:
        """`X,Y,WIDTH,HEIGHT` in whole pixels, with commas or spaces. Raises `ValueError` with what is wrong."""
        try:
            x, y, width, height = (int(part) for part in text.replace(",", " ").split())
        except ValueError:
            raise ValueError("four whole numbers are needed: X,Y,WIDTH,HEIGHT") from None
        if min(x, y) < 0 or min(width, height) < 1:
            raise ValueError("X and Y must be at least 0, WIDTH and HEIGHT at least 1")
        return cls(x, y, width, height)

    @property
    def side(self) -> float:
        """The longer side."""
        return max(self.width, self.height)

    @property
    def centre(self) -> tuple[float, float]:
        """X and y of the middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    def overlap(self, other: Region) -> float:
        """Intersection over union, 0 to 1."""
        wide = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        high = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if wide <= 0 or high <= 0:
            return 0.0
        return wide * high / (self.width * self.height + other.width * other.height - wide * high)

    def square(self, factor: float) -> Region:
        """The square with the same centre whose side is `factor` times the longer side."""
        side = self.side * factor
        x, y = self.centre
        return Region(x - side / 2, y - side / 2, side, side)

    def inside(self, picture: Region) -> Region:
        """The part within `picture`, widened to whole pixels; width or height 0 where they do not meet."""
        left, top = max(picture.x, np.floor(self.x)), max(picture.y, np.floor(self.y))
        right = min(picture.x + picture.width, np.ceil(self.x + self.width))
        bottom = min(picture.y + picture.height, np.ceil(self.y + self.height))
        return Region(float(left), float(top), max(0.0, float(right - left)), max(0.0, float(bottom - top)))

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The pixels of a whole-numbered region within `picture`, contiguous."""
        x, y, width, height = int(self.x), int(self.y), int(self.width), int(self.height)
        return np.ascontiguousarray(picture[y : y + height, x : x + width])


def bounding(regions: Iterable[Region]) -> Region:
    """The smallest rectangle that holds all of `regions`, of which there is at least one."""
    corners = np.array([(r.x, r.y, r.x + r.width, r.y + r.height) for r in regions])
    low, high = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
    return Region(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def full_region(picture: NDArray[np.uint8]) -> Region:
    """The region of a whole frame `picture` (H, W, 3)."""
    return Region(0.0, 0.0, float(picture.shape[1]), float(picture.shape[0]))
