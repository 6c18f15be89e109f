"""Shot boundaries, as PySceneDetect's content detector finds them with its default settings."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

THRESHOLD = 27.0
"""Mean change of hue, saturation and value (of 180, 255, 255) from one frame to the next that is a cut."""
SHORTEST = 15
"""Frames between two cuts."""
_WIDTH = 256
"""Wider frames are subsampled to about this width."""


class SceneCuts:
    """Takes frames in order; `cuts` are the numbers of the frames that begin a new shot."""

    def __init__(self) -> None:
        self.cuts: list[int] = []
        self._frames = 0
        self._before: NDArray[np.int16] | None = None

    def push(self, frame: NDArray[np.uint8]) -> None:
        """Take the next (H, W, 3) RGB frame."""
        import cv2

        step = max(1, frame.shape[1] // _WIDTH)
        now = cv2.cvtColor(np.ascontiguousarray(frame[::step, ::step]), cv2.COLOR_RGB2HSV).astype(np.int16)
        last = self.cuts[-1] if self.cuts else 0
        if self._before is not None and self._frames - last >= SHORTEST:
            change = float(np.abs(now - self._before).mean())
            if change >= THRESHOLD:
                self.cuts.append(self._frames)
        self._before = now
        self._frames += 1

    def shots(self) -> list[tuple[int, int]]:
        """First frame and the one after the last, of every shot."""
        return list(pairwise([0, *self.cuts, self._frames]))
