"""Check that output frames are in time, for programs that leave the upper half of the frame unchanged.

Downscaled upper parts of output and ground truth are compared at every shift up to `REACH` frames, in windows of fifty
frames. Each pixel's mean is subtracted first: codecs and networks change colours and blur by a constant. Output that
fits clearly better at another shift than zero is refused: the description's `offset` is wrong or the program dropped
frames, and every metric would measure that.
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
"""Share of the crop's height that is compared: brows, forehead, hair, background."""
CLEARLY = 0.9
"""A shift fits clearly better where it leaves less than this share of the other's difference,"""
OFTEN = 0.7
"""and in at least this share of the frames. docs/baselines.md says how these were chosen."""
WINDOW = 50
"""Frames that are compared together; a frame that was dropped midway shows in the windows after it."""
_MIN_LAST = 15  # frames of a last window that is shorter than the others
_SIZE = (64, 32)


class Calibration:
    """Takes an output's crops in order; keeps downscaled frames of one window only, whatever the clip's length."""

    def __init__(self, clip: PreparedClip) -> None:
        self._truth = _TruthWindow(clip)
        self._outputs: list[NDArray[np.float32]] = []
        self._truths: list[NDArray[np.float32]] = []
        self._windows = self._moving_windows = 0

    def update(self, crops: NDArray[np.uint8], position: int) -> None:
        """Take the crops (n, size, size, 3) uint8 of frames `position` and on.

        Raises:
            ClipError: `bad_output`: frames are early or late.
        """
        for index, crop in enumerate(crops, start=position):
            neighbours = self._truth.around(index)
            if neighbours is None:  # Too near the clip's start or end for all shifts.
                continue
            self._outputs.append(small_upper(crop))
            self._truths.append(neighbours)
            if len(self._outputs) == WINDOW:
                self._judge()

    def finish(self) -> list[str]:
        """Notes on what could not be checked. Raises `ClipError` like `update`."""
        if len(self._outputs) >= _MIN_LAST or (self._outputs and not self._windows):
            self._judge()
        if not self._windows:
            return ["too short to check that its frames come at their time"]
        return [] if self._moving_windows else ["too still to check that its frames come at their time"]

    def _judge(self) -> None:
        outputs, truths = np.stack(self._outputs), np.stack(self._truths)
        self._outputs, self._truths = [], []
        outputs, truths = outputs - outputs.mean(axis=0), truths - truths.mean(axis=0)
        errors = np.abs(truths - outputs[:, None]).mean(axis=(2, 3, 4), dtype=np.float64)
        means = errors.mean(axis=0)
        best = int(np.argmin(means))
        often = float((errors[:, best] < errors[:, REACH]).mean())
        if best != REACH and means[best] < CLEARLY * means[REACH] and often >= OFTEN:
            late = REACH - best
            raise ClipError(
                Status.BAD_OUTPUT,
                f"frames come {abs(late)} {'late' if late > 0 else 'early'}: the upper half of the frame moves as "
                f"the truth's does at another time (differs by {means[best]:.2f} levels, not {means[REACH]:.2f}): a "
                "wrong output.offset in the description, or frames that the program dropped",
            )
        self._windows += 1
        self._moving_windows += means[REACH] < CLEARLY * min(means[REACH - 1], means[REACH + 1])


class _TruthWindow:
    """Downscaled ground-truth frames from `REACH` before to `REACH` after a frame, read along with the output."""

    def __init__(self, clip: PreparedClip) -> None:
        self._frames = (small_upper(frame) for chunk in clip.read_frames() for frame in chunk)
        self._buffer: deque[NDArray[np.float32]] = deque(maxlen=2 * REACH + 1)
        self._read = 0
        self._total = clip.frames

    def around(self, index: int) -> NDArray[np.float32] | None:
        """(2 * REACH + 1, h, w, 3), `None` near the clip's start and end; `index` must not decrease."""
        if index < REACH or index + REACH >= self._total:
            return None
        while self._read <= index + REACH:
            self._buffer.append(next(self._frames))
            self._read += 1
        return np.stack(self._buffer)


def small_upper(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The upper part of a crop (size, size, 3), area-averaged to 32 x 64 pixels."""
    import cv2

    upper = frame[: max(1, int(len(frame) * UPPER))]
    return np.asarray(cv2.resize(upper, _SIZE, interpolation=cv2.INTER_AREA), np.float32)
