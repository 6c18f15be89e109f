"""The one rule by which canonical crops are cut, in the manner of VoxCeleb2 and FOMM: a box that stands still.

1. The face box is the bounding box of the landmarks of all detected frames together.
2. A square of `SIDE` times its longer side, centred on it and moved up by `RISE` times that side: the whole head, hair
   above, some neck below.
3. If that is larger than the frame's shorter side, it shrinks to that side, but not below `TIGHT` times: a clip that
   was cropped to a head before is taken as it is, instead of inventing pixels around it.
4. The square is moved into the frame as far as it goes without coming nearer than `EDGE` to the face box, so that the
   chin is never cut. What then still lies outside the frame repeats the frame's edge pixels.
5. Corners are whole pixels. Area averaging shrinks, linear interpolation enlarges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.faces.region import Region

SIDE = 1.6
RISE = 0.05
TIGHT = 1.15
EDGE = 0.02

CROP_RULE = f"union-square|side={SIDE}|rise={RISE}|tight={TIGHT}|edge={EDGE}|pad=replicate|resize=area-linear|v1"
"""Names the rule and everything that changes its result; part of every prepared clip's meta and key."""


@dataclass(frozen=True)
class CropBox:
    """A square of the full frame, in whole pixels; may reach beyond the frame."""

    x: int
    y: int
    side: int

    def affine(self, size: int) -> NDArray[np.float64]:
        """(2, 3) full frame to crop of `size` pixels, continuous coordinates."""
        scale = size / self.side
        return np.array([[scale, 0.0, -self.x * scale], [0.0, scale, -self.y * scale]])

    def region(self) -> Region:
        """The same as a `Region`."""
        return Region(self.x, self.y, self.side, self.side)


def crop_box(face: Region, width: float, height: float) -> CropBox:
    """The canonical square for `face`, the box of all of a clip's landmarks, in a frame of `width` x `height`."""
    side = round(min(SIDE * face.side, max(TIGHT * face.side, min(width, height))))
    x, y = face.centre
    edge = EDGE * face.side
    left = _place(x - side / 2, side, width, (face.x - edge, face.x + face.width + edge))
    top = _place(y - RISE * face.side - side / 2, side, height, (face.y - edge, face.y + face.height + edge))
    return CropBox(left, top, side)


def cut(frames: NDArray[np.uint8], box: CropBox, size: int) -> NDArray[np.uint8]:
    """Crops (n, size, size, 3) uint8 of `frames` (n, H, W, 3)."""
    import cv2

    height, width = frames.shape[1:3]
    rows = np.clip(np.arange(box.y, box.y + box.side), 0, height - 1)
    columns = np.clip(np.arange(box.x, box.x + box.side), 0, width - 1)
    method = cv2.INTER_AREA if size < box.side else cv2.INTER_LINEAR
    crops = np.empty((len(frames), size, size, 3), np.uint8)
    for frame, crop in zip(frames, crops, strict=True):
        cv2.resize(np.ascontiguousarray(frame[rows[:, None], columns]), (size, size), dst=crop, interpolation=method)
    return crops


def _place(start: float, side: int, length: float, keep: tuple[float, float]) -> int:
    """Where the square begins on one axis: within 0 to `length` if it can, always with all of `keep` in it."""
    low, high = sorted((0, length - side))
    start = min(max(start, low), high)
    start = min(max(start, keep[1] - side), keep[0])
    return round(start)
