"""Source frames at any times, forwards and backwards, with a bounded number of them in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lipsync.harness.media.container import media_errors
from bench_lipsync.harness.media.frames import timed_frames
from bench_lipsync.harness.media.resample_fps import Timed

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_BLOCK_BYTES = 96 << 20
_BLOCK_FRAMES = 64
_EPSILON = 1e-6


def pictures_at(path: Path, times: Sequence[float]) -> Iterator[Timed[VideoFrame]]:
    """For each of `times` (seconds since the first frame) the frame nearest to it; the earlier of two equally near.

    Stretches of rising times are decoded in one go. Falling ones are decoded block by block, each from the seek point
    before it, so a backward stretch costs several times a forward one and needs no more memory than a block.
    Raises `ClipError` (`decode_error`).
    """
    block = _BLOCK_FRAMES
    for falling, run in _runs(times):
        if not falling:
            for timed in _rising(path, run):
                block = _block(timed.frame)
                yield timed
            continue
        for start in range(0, len(run), block):
            yield from reversed(list(_rising(path, run[start : start + block][::-1])))


def _runs(times: Sequence[float]) -> Iterator[tuple[bool, list[float]]]:
    """Cut `times` where they turn round."""
    steps = [(bool(index) and time < times[index - 1] - _EPSILON, time) for index, time in enumerate(times)]
    for falling, run in groupby(steps, key=lambda step: step[0]):
        yield falling, [time for _, time in run]


def _rising(path: Path, times: Sequence[float]) -> Iterator[Timed[VideoFrame]]:
    wanted = iter(times)
    time = next(wanted, None)
    previous: Timed[VideoFrame] | None = None
    with media_errors(path):
        for current in timed_frames(path, times[0]):
            while previous is not None and time is not None and time <= (previous.time + current.time) / 2 + _EPSILON:
                yield previous
                time = next(wanted, None)
            if time is None:
                return
            previous = current
        while previous is not None and time is not None:
            yield previous
            time = next(wanted, None)


def _block(frame: VideoFrame) -> int:
    """How many frames of this size one block may hold, counted at three bytes a pixel."""
    return max(4, min(_BLOCK_FRAMES, _BLOCK_BYTES // (3 * frame.width * frame.height)))
