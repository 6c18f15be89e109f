"""Resample variable-rate frames to a constant frame rate.

Rule: with t = 0 at the first frame, output frame k shows the source frame whose timestamp is nearest to
`start + k / rate`; of two equally near ones the earlier. Nearest, and not "the latest shown", because the latter
delays the video by half a source frame on average and flickers where 25 fps timestamps are rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
_EPSILON = 1e-6


@dataclass(frozen=True)
class Timed(Generic[T]):
    """A frame and when it is shown."""

    time: float
    """Seconds since the first frame of the file."""
    duration: float
    """Seconds that it is meant to be shown; only the last frame's is used."""
    frame: T


def frame_count(seconds: float, rate: int) -> int:
    """Frames at `rate` that `seconds` hold, rounded to the nearest (half up)."""
    return max(0, int(seconds * rate + 0.5 + _EPSILON))


def constant_rate(frames: Iterable[Timed[T]], rate: int, start: float = 0.0, end: float | None = None) -> Iterator[T]:
    """The frame to show at `start + k / rate`, for k = 0, 1, ... until `end` or the end of the last frame.

    `frames` must be in order of strictly rising time. The number of frames is the duration times the rate, rounded.
    """
    limit = None if end is None else frame_count(end - start, rate)
    if limit == 0:
        return
    index = 0
    previous: Timed[T] | None = None
    for current in frames:
        if previous is not None:
            middle = (previous.time + current.time) / 2
            while start + index / rate <= middle + _EPSILON:
                yield previous.frame
                index += 1
                if index == limit:
                    return
        previous = current
    if previous is None:
        return
    total = frame_count(previous.time + previous.duration - start, rate)
    for _ in range(index, total if limit is None else min(total, limit)):
        yield previous.frame
