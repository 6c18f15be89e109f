"""Cuts an interval out of a full video: square, 25 fps, visually lossless H.264 and FLAC."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME
from bench_lipsync.harness.datasets.cutting.interval import CropBox
from bench_lipsync.harness.datasets.discover import shown
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.util.files import appearing

if TYPE_CHECKING:
    from bench_lipsync.harness.media import Damage

CRF = 10
"""Constant rate factor of x264; below 12 the loss is invisible."""
_BT601 = 6  # AVColorSpace SMPTE170M: what swscale's default RGB conversion produces


def cut_clip(
    video: Path,
    audio: Path | None,
    crop: CropBox,
    out: Path,
    *,
    start: float,
    end: float,
    size: int,
    damage: Damage | None = None,
) -> int:
    """Write an interval of a video as a cropped clip, at 25 fps and with 16 kHz mono FLAC.

    These are the formats that preparation converts clips to, so that it happens once. The file appears under its name
    only when it is complete.

    Args:
        video: The full video.
        audio: Its audio if that is a separate file, otherwise `None`.
        crop: The square to crop, in pixels of `video`.
        out: The MP4 to write.
        start: Seconds.
        end: Seconds.
        size: Side of the clip in pixels.
        damage: Receives what is damaged in the interval; the clip would not show it to a decoder.

    Returns:
        Its number of frames.

    Raises:
        ClipError: An input cannot be read.
        BenchError: The output cannot be written.
    """
    from bench_lipsync.harness.media import decode_audio, decode_video

    chunks = decode_video(video, start=start, end=end, damage=damage)
    first = next(chunks, None)
    if first is None:
        raise ClipError(Status.DECODE_ERROR, f"{video.name}: ends before the interval begins at {start:g} s")
    samples = decode_audio(audio or video, start=start, end=end, damage=damage)
    if len(samples) == 0:
        raise ClipError(Status.NO_AUDIO, f"{(audio or video).name}: no audio between {start:g} s and {end:g} s")
    crops = (_crop(chunk, crop, size) for chunk in chain([first], chunks))
    try:
        with appearing(out) as path:
            return _encode(path, crops, samples, size)
    except OSError as error:  # FFmpeg's errors while writing are OSErrors, too; those while reading are ClipErrors.
        raise BenchError(f"cannot write {shown(out)}: {error.strerror or error}") from error


def _crop(chunk: NDArray[np.uint8], crop: CropBox, size: int) -> NDArray[np.uint8]:
    """(n, height, width, 3) to (n, size, size, 3)."""
    import cv2

    window = chunk[:, crop.y : crop.y + crop.size, crop.x : crop.x + crop.size]
    interpolation = cv2.INTER_AREA if crop.size > size else cv2.INTER_CUBIC
    frames = [cv2.resize(np.ascontiguousarray(frame), (size, size), interpolation=interpolation) for frame in window]
    return np.stack(frames).astype(np.uint8, copy=False)


def _encode(path: Path, chunks: Iterable[NDArray[np.uint8]], samples: NDArray[np.int16], size: int) -> int:
    import av

    frames = 0
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        video = container.add_stream("libx264", rate=FPS, options={"crf": str(CRF), "preset": "fast"})
        video.width = video.height = size
        video.pix_fmt = "yuv420p"
        video.codec_context.colorspace = _BT601
        video.codec_context.thread_count = 1  # More threads change the bytes.
        audio = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono")
        audio.codec_context.format = "s16"
        for chunk in chunks:
            for array in chunk:
                container.mux(video.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
            part = samples[frames * SAMPLES_PER_FRAME : (frames + len(chunk)) * SAMPLES_PER_FRAME]
            if len(part):
                block = av.AudioFrame.from_ndarray(part[None], format="s16", layout="mono")
                block.sample_rate, block.pts = SAMPLE_RATE, frames * SAMPLES_PER_FRAME
                container.mux(audio.encode(block))
            frames += len(chunk)
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return frames
