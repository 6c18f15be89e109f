"""Do the frames come at their time? Programs that edit the mouth leave the upper half of the picture as it was.

Tiny copies of the upper part of output and truth are compared at every shift up to `REACH` frames, fifty frames at
once, with each pixel's own mean taken off first: codecs and networks shift colours and blur in ways that stand still.
Where another shift than none fits clearly better, the output is refused instead of scored: it would be a wrong `offset`
in the description, or frames dropped on the way, and every number would measure that.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import ClipError, Status

REACH = 5
"""Frames, forwards and backwards."""
UPPER = 0.45
"""Share of the crop's height that is looked at: brows, forehead, hair, background."""
CLEARLY = 0.9
"""A shift fits clearly better where it leaves less than this share of the other's difference,"""
OFTEN = 0.7
"""and in at least this share of the frames. docs/baselines.md says how these were chosen."""
WINDOW = 50
"""Frames that are judged together, so that a frame dropped on the way is seen behind it."""
_FEWEST = 15  # frames of a last window that is shorter than the others
_SIZE = (64, 32)


class Calibration:
    """Fed an output's crops in order, then asked; keeps tiny pictures of one window, whatever the clip's length."""

    def __init__(self, clip: PreparedClip) -> None:
        self._truth = _Upcoming(clip)
        self._ours: list[NDArray[np.float32]] = []
        self._around: list[NDArray[np.float32]] = []
        self._windows = self._told = 0

    def update(self, crops: NDArray[np.uint8], position: int) -> None:
        """Take the crops (n, size, size, 3) uint8 of frames `position` and on.

        Raises `ClipError` (`bad_output`) where frames come early or late.
        """
        for index, crop in enumerate(crops, start=position):
            around = self._truth.around(index)
            if around is None:  # too near to the clip's begin or end for all shifts
                continue
            self._ours.append(small_upper(crop))
            self._around.append(around)
            if len(self._ours) == WINDOW:
                self._judge()

    def finish(self) -> list[str]:
        """Notes where nothing could be told. Raises `ClipError` like `update`."""
        if len(self._ours) >= _FEWEST or (self._ours and not self._windows):
            self._judge()
        if not self._windows:
            return ["too short to check that its frames come at their time"]
        return [] if self._told else ["too still to check that its frames come at their time"]

    def _judge(self) -> None:
        ours, around = np.stack(self._ours), np.stack(self._around)
        self._ours, self._around = [], []
        ours, around = ours - ours.mean(axis=0), around - around.mean(axis=0)
        errors = np.abs(around - ours[:, None]).mean(axis=(2, 3, 4), dtype=np.float64)
        means = errors.mean(axis=0)
        best = int(np.argmin(means))
        often = float((errors[:, best] < errors[:, REACH]).mean())
        if best != REACH and means[best] < CLEARLY * means[REACH] and often >= OFTEN:
            late = REACH - best
            raise ClipError(
                Status.BAD_OUTPUT,
                f"frames come {abs(late)} {'late' if late > 0 else 'early'}: the upper half of the picture moves as "
                f"the truth's does at another time (differs by {means[best]:.2f} levels, not {means[REACH]:.2f}): a "
                "wrong output.offset in the description, or frames that the program dropped",
            )
        self._windows += 1
        self._told += means[REACH] < CLEARLY * min(means[REACH - 1], means[REACH + 1])


class _Upcoming:
    """The truth's small upper parts from `REACH` before to `REACH` behind a frame, read along with the output."""

    def __init__(self, clip: PreparedClip) -> None:
        self._frames = (small_upper(frame) for chunk in clip.read_frames() for frame in chunk)
        self._held: deque[NDArray[np.float32]] = deque(maxlen=2 * REACH + 1)
        self._read = 0
        self._total = clip.frames

    def around(self, index: int) -> NDArray[np.float32] | None:
        """(2 * REACH + 1, h, w, 3), `None` where the clip does not reach so far; `index` must not fall."""
        if index < REACH or index + REACH >= self._total:
            return None
        while self._read <= index + REACH:
            self._held.append(next(self._frames))
            self._read += 1
        return np.stack(self._held)


def small_upper(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The upper part of a crop (size, size, 3), averaged down to 32 x 64 pixels."""
    import cv2

    upper = frame[: max(1, int(len(frame) * UPPER))]
    return np.asarray(cv2.resize(upper, _SIZE, interpolation=cv2.INTER_AREA), np.float32)
