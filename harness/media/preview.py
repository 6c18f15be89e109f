"""Videos to look at: H.264 and AAC in an MP4 that every browser plays while it loads. Never measured from."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.media.container import media_errors
from bench_lipsync.harness.media.format import FPS, SAMPLE_RATE

if TYPE_CHECKING:
    from av.container import OutputContainer

_VIDEO = {"crf": "20", "preset": "veryfast"}
_BT709 = 1  # FFmpeg's number for BT.709 as matrix, primaries and transfer alike
_LIMITED = 1  # and for luma from 16 to 235


def write_preview(
    path: Path, chunks: Iterable[NDArray[np.uint8]], audio: NDArray[np.int16] | None, fps: int = FPS
) -> None:
    """Write frames, chunks (n, H, W, 3) uint8 RGB, with 16 kHz mono int16 `audio` (or none) beside them.

    4:2:0 needs even sides: an odd last row or column is shown twice. Raises `ClipError` when FFmpeg cannot write.
    """
    with media_errors(path), av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video: Any = None
        sound: Any = None
        frames = samples = 0
        for chunk in chunks:
            if video is None:
                video = _add_video(container, chunk.shape[2], chunk.shape[1], fps)
                sound = None if audio is None else container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
            for picture in chunk:
                container.mux(video.encode(_frame(picture, frames, fps)))
                frames += 1
            if audio is not None:
                # Along with the picture, so that the muxer never has to hold one back for the other.
                upto = min(len(audio), frames * SAMPLE_RATE // fps)
                _encode_audio(container, sound, audio[samples:upto], samples)
                samples = max(samples, upto)
        if video is None:
            raise ValueError("no frame to write")
        for stream in (video, sound):
            if stream is not None:
                container.mux(stream.encode(None))


def _add_video(container: OutputContainer, width: int, height: int, fps: int) -> Any:
    stream: Any = container.add_stream("libx264", rate=fps, options=dict(_VIDEO))
    stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
    context = stream.codec_context
    context.thread_count = 2  # a fixed number: the bytes depend on it
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = _LIMITED
    return stream


def _frame(picture: NDArray[np.uint8], index: int, fps: int) -> av.VideoFrame:
    height, width, _ = picture.shape
    even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
    frame = frame.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED)
    frame.pts, frame.time_base = index, Fraction(1, fps)
    return frame


def _encode_audio(container: OutputContainer, stream: Any, samples: NDArray[np.int16], position: int) -> None:
    if not len(samples):
        return
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, position, Fraction(1, SAMPLE_RATE)
    container.mux(stream.encode(frame))
