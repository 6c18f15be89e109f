"""Decoded frames as 8-bit 4:2:0 planes, upright: what a video is written from without a detour through RGB."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from bench_lipsync.harness.media.display_matrix import Orientation, orientation

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

_SCALER = 2 | (1 << 13) | (1 << 18) | (1 << 19)  # as in bench_lipsync.harness.media.decode
_FULL = 2  # FFmpeg's number for luma from 0 to 255
_LIMITED = 1
_BT709 = 1
_UNSTATED = 2
_WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""Red's and blue's share of luma by FFmpeg's number of the matrix; all others, and untagged files, are BT.601."""


@dataclass(frozen=True)
class Colour:
    """What a file says about its colours; FFmpeg's numbers."""

    matrix: int = _UNSTATED
    primaries: int = _UNSTATED
    transfer: int = _UNSTATED
    full: bool = False
    """Luma reaches from 0 to 255 instead of 16 to 235."""

    def from_rgb(self, rgb: NDArray[np.float32]) -> NDArray[np.float32]:
        """Luma and the two colour differences (H, W, 3) of `rgb` (H, W, 3), all in 0 to 255, unrounded."""
        red, blue = _WEIGHTS.get(self.matrix, (0.299, 0.114))
        luma = rgb @ np.array([red, 1 - red - blue, blue], np.float32)
        scale, offset, chroma = (1.0, 0.0, 1.0) if self.full else (219 / 255, 16.0, 224 / 255)
        differences = [(rgb[..., 2] - luma) / (2 - 2 * blue), (rgb[..., 0] - luma) / (2 - 2 * red)]
        planes = [luma * scale + offset, *(128 + chroma * one for one in differences)]
        return np.stack(planes, axis=-1).astype(np.float32)

    def tag(self, context: VideoCodecContext) -> None:
        """Say the same in a stream that is written."""
        context.colorspace, context.color_primaries, context.color_trc = self.matrix, self.primaries, self.transfer
        context.color_range = _FULL if self.full else _LIMITED


@dataclass
class Planes:
    """An upright 4:2:0 picture; arrays belong to it and may be changed."""

    luma: NDArray[np.uint8]
    """(H, W)"""
    blue: NDArray[np.uint8]
    """(H / 2, W / 2), rounded up"""
    red: NDArray[np.uint8]
    """like `blue`"""
    colour: Colour

    def even(self) -> Planes:
        """The same with an odd last row or column shown twice, which 4:2:0 video needs."""
        height, width = self.luma.shape
        luma = np.pad(self.luma, ((0, height % 2), (0, width % 2)), mode="edge")
        return Planes(luma, self.blue, self.red, self.colour)

    def frame(self, index: int, rate: Fraction) -> VideoFrame:
        """The `index`-th frame of a video at a constant `rate`; sides must be even."""
        joined = np.concatenate([self.luma.ravel(), self.blue.ravel(), self.red.ravel()])
        frame = VideoFrame.from_ndarray(joined.reshape(-1, self.luma.shape[1]), format="yuv420p")
        frame.pts, frame.time_base = index, 1 / rate
        frame.color_range = _FULL if self.colour.full else _LIMITED
        return frame


class ToPlanes:
    """Turns the frames of one video into `Planes`; 8-bit 4:2:0 sources keep every value."""

    def __init__(self) -> None:
        self._turn: Orientation | None = None
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> Planes:
        """New planes of `frame`; more bits are rounded off, transparency is dropped, RGB becomes BT.709."""
        if self._turn is None:
            self._turn = orientation(frame)
        frame, colour = self._eight_bits(frame)
        luma, blue, red = (self._turn.apply(_plane(frame, number)[..., None])[..., 0].copy("C") for number in range(3))
        return Planes(luma, blue, red, colour)

    def _eight_bits(self, frame: VideoFrame) -> tuple[VideoFrame, Colour]:
        name = frame.format.name
        full = int(frame.color_range) == _FULL or name.startswith("yuvj")
        tags = (int(frame.color_primaries), int(frame.color_trc))
        if name in {"yuv420p", "yuvj420p"}:
            return frame, Colour(int(frame.colorspace), *tags, full=full)
        coloured = name.startswith(("yuv", "nv", "p0"))
        if coloured:
            level = _FULL if full else _LIMITED
            same = self._reformatter.reformat(
                frame, format="yuv420p", src_color_range=level, dst_color_range=level, interpolation=_SCALER
            )
            return same, Colour(int(frame.colorspace), *tags, full=full)
        made = self._reformatter.reformat(
            frame,
            format="yuv420p",
            dst_colorspace=_BT709,
            src_color_range=_FULL,
            dst_color_range=_LIMITED,
            interpolation=_SCALER,
        )
        return made, Colour(_BT709, _BT709, tags[1], full=False)


def _plane(frame: VideoFrame, number: int) -> NDArray[np.uint8]:
    plane = frame.planes[number]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    # The size is worked out here: PyAV rounds that of odd chroma planes down in some versions.
    half = number > 0
    height, width = (-(-side // 2) if half else side for side in (frame.height, frame.width))
    return rows[:height, :width]
