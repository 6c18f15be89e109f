"""Do the frames come at their time? Programs that edit the mouth leave the upper half of the picture as it was.

Tiny copies of the upper part of output and truth are compared at every shift up to `REACH` frames. Where another shift
than none fits clearly better, the output is refused instead of scored: it would be a wrong `offset` in the description,
or frames dropped on the way, and every number would measure that.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from harness.clip import PreparedClip
from harness.status import ClipError, Status

REACH = 5
"""Frames, forwards and backwards."""
UPPER = 0.45
"""Share of the crop's height that is looked at: brows, forehead, hair, background."""
CLEARLY = 0.6
"""Another shift must leave less than this share of the difference at no shift."""
STILL = 0.25
"""Grey levels (of 255) by which neighbouring frames must differ on average; in a still clip no shift can be told."""
WINDOW = 50
"""Frames that are judged together, so that a frame dropped on the way is seen behind it."""
_SIZE = (64, 32)


class Calibration:
    """Fed an output's crops in order, then asked; keeps a dozen numbers a frame and a few tiny pictures."""

    def __init__(self, clip: PreparedClip) -> None:
        self._truth = _Upcoming(clip)
        self._errors: list[NDArray[np.float64]] = []
        self._motion: list[float] = []

    def update(self, crops: NDArray[np.uint8], position: int) -> None:
        """Take the crops (n, size, size, 3) uint8 of frames `position` and on."""
        for index, crop in enumerate(crops, start=position):
            around = self._truth.around(index)
            if around is None:  # too near to the clip's begin or end for all shifts
                continue
            self._errors.append(np.abs(around - small_upper(crop)).mean(axis=(1, 2, 3), dtype=np.float64))
            self._motion.append(float(np.abs(around[REACH + 1] - around[REACH]).mean()))

    def finish(self) -> list[str]:
        """Notes where nothing could be told. Raises `ClipError` (`bad_output`) where frames come early or late."""
        if not self._errors:
            return ["too short to check that its frames come at their time"]
        pieces = max(1, len(self._errors) // WINDOW)
        checked = 0
        for errors, motion in zip(
            np.array_split(self._errors, pieces), np.array_split(self._motion, pieces), strict=True
        ):
            if motion.mean() >= STILL:
                checked += 1
                _check(errors.mean(axis=0))
        if checked:
            return []
        moved = np.mean(self._motion)
        return [f"too still (neighbours differ by {moved:.2f} levels) to check that its frames come at their time"]


def _check(errors: NDArray[np.float64]) -> None:
    """`errors` (2 * REACH + 1,): mean difference in grey levels to the truth at each shift."""
    best = int(np.argmin(errors))
    if best == REACH or errors[best] >= CLEARLY * errors[REACH]:
        return
    late = REACH - best
    raise ClipError(
        Status.BAD_OUTPUT,
        f"frames come {abs(late)} {'late' if late > 0 else 'early'}: the upper half of the picture differs from the "
        f"truth by {errors[REACH]:.2f} levels, and by {errors[best]:.2f} when shifted; a wrong output.offset in the "
        "description, or frames that the program dropped",
    )


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
