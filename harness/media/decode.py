"""Any video file as 25 fps RGB frames, a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from bench_lipsync.harness.media.container import media_errors
from bench_lipsync.harness.media.damage import Damage
from bench_lipsync.harness.media.display_matrix import Orientation, orientation
from bench_lipsync.harness.media.format import FPS
from bench_lipsync.harness.media.frames import timed_frames
from bench_lipsync.harness.media.resample_fps import Timed, constant_rate

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_CHUNK_BYTES = 64 << 20
# Bilinear, full chroma interpolation, exact rounding: odd widths come out whole, and alike on every processor.
_SCALER = 2 | (1 << 13) | (1 << 18) | (1 << 19)


def decode_video(
    path: Path, *, start: float | None = None, end: float | None = None, chunk: int = 32, damage: Damage | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Yield chunks (n, H, W, 3) uint8 RGB, C-contiguous, of the first video stream at exactly 25 frames per second.

    t = 0 is the first frame; frame k is the source frame nearest to `start + k / 25` (`harness.media.resample_fps`).
    Rotation is applied, pixel aspect is not (as in OpenCV and the published pipelines). n is at most `chunk`, and less
    where a chunk would pass 64 MiB. `start` and `end` are seconds; an `end` behind the last frame is no error.
    `damage` receives what is damaged; without it, the log says so.

    Raises `ClipError` (`decode_error`): not a media file, no video, too large, too long, changing size, truncated,
    jumping timestamps, or more than `MAX_DAMAGED_SHARE` of the frames damaged (raised after the last one).
    """
    buffer: NDArray[np.uint8] | None = None
    filled = 0
    for shown in shown_pictures(path, start=start, end=end, damage=damage):
        if buffer is None:
            room = max(1, min(chunk, _CHUNK_BYTES // shown.picture.nbytes))
            buffer, filled = np.empty((room, *shown.picture.shape), np.uint8), 0
        buffer[filled] = shown.picture
        filled += 1
        if filled == len(buffer):
            yield buffer
            buffer = None
    if buffer is not None:
        yield buffer[:filled]


class Shown(NamedTuple):
    """The picture of one 25th of a second."""

    time: float
    """When the source shows this picture: seconds since its first frame, near but seldom exactly k / 25."""
    picture: NDArray[np.uint8]
    """(H, W, 3) uint8 RGB, upright; not to be changed, the next one may be the same array."""


def shown_pictures(
    path: Path, *, start: float | None = None, end: float | None = None, damage: Damage | None = None
) -> Iterator[Shown]:
    """The frames of `decode_video`, one by one, with the time that each has in the source."""
    begin = start or 0.0
    found = damage or Damage()
    found.set_span(begin, end)
    to_rgb = _ToRgb()
    last: VideoFrame | None = None
    picture = np.empty((0, 0, 3), np.uint8)
    with media_errors(path):
        timed = (Timed(source.time, source.duration, source) for source in timed_frames(path, begin, found))
        for source in constant_rate(timed, FPS, begin, end):
            if source.frame is not last:
                last, picture = source.frame, to_rgb(source.frame)
            found.show(source.frame, source.time)
            yield Shown(source.time, picture)
    found.require_little(path)
    if damage is None:
        found.log(path)


class _ToRgb:
    """Turns frames of one video into RGB pictures as they are shown."""

    def __init__(self) -> None:
        self._turn: Orientation | None = None
        self._reformatter = VideoReformatter()  # one for all: setting up a conversion takes longer than doing it

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        if self._turn is None:
            # Once: the matrix belongs to the stream, and PyAV's side data ties every frame asked into a cycle that
            # keeps its memory until the garbage collector comes by.
            self._turn = orientation(frame)
        # The range has to be named: PyAV takes a full-range picture for a limited one otherwise.
        rgb = self._reformatter.reformat(
            frame, format="rgb24", src_color_range=int(frame.color_range), interpolation=_SCALER
        )
        return self._turn.apply(np.asarray(rgb.to_ndarray(), np.uint8))
