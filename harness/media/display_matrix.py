"""The display matrix of phones' recordings: which of eight ways of turning and mirroring shows the picture upright."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


@dataclass(frozen=True)
class Orientation:
    """How a stored picture becomes the shown one: swap the axes first, then reverse columns and rows."""

    transposed: bool = False
    reverse_columns: bool = False
    reverse_rows: bool = False

    @property
    def mirrored(self) -> bool:
        """Whether the picture changes hands (an odd number of the three reversals)."""
        return (self.transposed + self.reverse_columns + self.reverse_rows) % 2 == 1

    @property
    def rotation(self) -> int:
        """Degrees clockwise: 0, 90, 180, 270; for mirrored pictures after mirroring left to right."""
        if self.transposed:
            return 90 if self.reverse_columns else 270
        return 180 if self.reverse_rows else 0

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """View of `picture` (H, W, C) as it is shown; (W, H, C) when transposed."""
        if self.transposed:
            picture = picture.transpose(1, 0, 2)
        if self.reverse_columns:
            picture = picture[:, ::-1]
        return picture[::-1] if self.reverse_rows else picture


UPRIGHT = Orientation()


def orientation(frame: VideoFrame) -> Orientation:
    """What the frame's display matrix asks for, to the nearest quarter turn."""
    matrix = next((bytes(data) for data in _side_data(frame) if data.type.name == "DISPLAYMATRIX"), None)
    if matrix is None or len(matrix) < 36:
        return UPRIGHT
    # 3x3, row by row: (x, y) goes to (a x + c y + tx, b x + d y + ty) in 16.16 fixed point.
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix[:36])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(reverse_columns=a < 0, reverse_rows=d < 0)
    return Orientation(transposed=True, reverse_columns=c < 0, reverse_rows=b < 0)


def _side_data(frame: VideoFrame) -> list[Any]:
    return list(frame.side_data)
