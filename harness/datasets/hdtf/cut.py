"""Cutting one HDTF interval out of a full video: time, square, 512x512, 25 fps, visually lossless H.264 and FLAC."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME
from bench_lipsync.harness.datasets.discover import shown
from bench_lipsync.harness.datasets.hdtf.metadata import CropBox
from bench_lipsync.harness.errors import BenchError, ClipError, Status

CRF = 10
"""x264's constant rate factor; below 12 the loss is not visible."""
_ROUNDING = 2
_BT601 = 6  # AVColorSpace SMPTE170M: what swscale's default RGB conversion produces


def scale_crop(crop: CropBox, resolution: int, width: int, height: int) -> CropBox | None:
    """`crop`, measured at `resolution` pixels of height, in a picture of `width` x `height`.

    Up to two pixels beyond the border are put down to rounding and cut off; `None` if more of it lies outside, or if
    it is smaller than a pixel.
    """
    factor = height / resolution
    x, y, size = (round(value * factor) for value in (crop.x, crop.y, crop.size))
    over = max(x + size - width, y + size - height, 0)
    return CropBox(x, y, size - over) if over <= _ROUNDING and size > over else None


def cut_clip(video: Path, audio: Path | None, crop: CropBox, out: Path, *, start: float, end: float, size: int) -> int:
    """Write `out` (MP4) with the square `crop` (pixels of `video`) of seconds `start` to `end`; return its frames.

    Picture at 25 fps, sound as 16 kHz mono FLAC from `audio` or else from `video`: what preparing a clip would make of
    it anyway, so that it happens once. `out` appears whole or not at all. Raises `ClipError` for what cannot be read
    and `BenchError` for what cannot be written.
    """
    from bench_lipsync.harness.media import decode_audio, decode_video

    chunks = decode_video(video, start=start, end=end)
    first = next(chunks, None)
    if first is None:
        raise ClipError(Status.DECODE_ERROR, f"{video.name}: ends before the interval begins at {start:g} s")
    samples = decode_audio(audio or video, start=start, end=end)
    if len(samples) == 0:
        raise ClipError(Status.NO_AUDIO, f"{(audio or video).name}: no sound between {start:g} s and {end:g} s")
    with _written_whole(out) as path:
        return _encode(path, (_crop(chunk, crop, size) for chunk in chain([first], chunks)), samples, size)


def _crop(chunk: NDArray[np.uint8], crop: CropBox, size: int) -> NDArray[np.uint8]:
    """(n, height, width, 3) to (n, size, size, 3)."""
    import cv2

    window = chunk[:, crop.y : crop.y + crop.size, crop.x : crop.x + crop.size]
    how = cv2.INTER_AREA if crop.size > size else cv2.INTER_CUBIC
    frames = [cv2.resize(np.ascontiguousarray(frame), (size, size), interpolation=how) for frame in window]
    return np.stack(frames).astype(np.uint8, copy=False)


@contextmanager
def _written_whole(out: Path) -> Iterator[Path]:
    part = out.with_name(f".{out.stem}.{os.getpid()}.part.mp4")  # hidden, so that no dataset takes it for a clip
    try:
        yield part
        part.replace(out)
    except OSError as error:  # FFmpeg's errors while writing are OSErrors, too; those while reading are ClipErrors
        raise BenchError(f"cannot write {shown(out)}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _encode(path: Path, chunks: Iterable[NDArray[np.uint8]], samples: NDArray[np.int16], size: int) -> int:
    import av

    frames = 0
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        picture = container.add_stream("libx264", rate=FPS, options={"crf": str(CRF), "preset": "fast"})
        picture.width = picture.height = size
        picture.pix_fmt = "yuv420p"
        picture.codec_context.colorspace = _BT601
        picture.codec_context.thread_count = 1  # more threads change the bytes
        sound = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono")
        sound.codec_context.format = "s16"
        for chunk in chunks:
            for array in chunk:
                container.mux(picture.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
            said = samples[frames * SAMPLES_PER_FRAME : (frames + len(chunk)) * SAMPLES_PER_FRAME]
            if len(said):
                block = av.AudioFrame.from_ndarray(said[None], format="s16", layout="mono")
                block.sample_rate, block.pts = SAMPLE_RATE, frames * SAMPLES_PER_FRAME
                container.mux(sound.encode(block))
            frames += len(chunk)
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    return frames
