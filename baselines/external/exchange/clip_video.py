"""The canonical crop as a video file that foreign programs can read."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS, SAMPLE_RATE
from bench_lipsync.harness.media.container import media_errors

_BT601 = 5  # FFmpeg's number. Programs such as OpenCV assume it for small untagged video.


def write_clip(
    path: Path, chunks: Iterable[NDArray[np.uint8]], audio: NDArray[np.int16] | None = None, crf: int | None = None
) -> None:
    """Write a video at 25 fps.

    Args:
        path: The suffix chooses the container.
        chunks: Frames (n, H, W, 3) uint8 RGB.
        audio: 16 kHz mono int16; 16-bit PCM where the container allows it, AAC in MP4.
        crf: `None` is lossless: FFV1 in `.mkv` and `.avi`, H.264 in RGB elsewhere, because MP4 cannot hold FFV1.
            With a value: H.264 in 4:2:0, as cameras write it; sides must then be even.

    Raises:
        ClipError: `decode_error`: FFmpeg cannot write.
    """
    open_container = path.suffix.lower() in (".mkv", ".avi")
    codec, pixels, options = _codec(open_container, crf)
    with media_errors(path), av.open(str(path), "w") as container:
        video: Any = container.add_stream(codec, rate=FPS, options=options)
        audio_stream: Any = None
        if audio is not None:
            audio_codec = "pcm_s16le" if open_container else "aac"
            audio_stream = container.add_stream(audio_codec, rate=SAMPLE_RATE, layout="mono")
        count = position = 0
        for chunk in chunks:
            if not count:
                video.height, video.width, video.pix_fmt = *chunk.shape[1:3], pixels
                video.codec_context.thread_count = 2  # a fixed number: the bytes depend on it
            for pixels_rgb in chunk:
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels_rgb), format="rgb24")
                frame = frame.reformat(format=pixels, dst_colorspace=_BT601 if pixels == "yuv420p" else None)
                frame.pts, frame.time_base = count, Fraction(1, FPS)
                container.mux(video.encode(frame))
                count += 1
            if audio is not None:
                end = min(len(audio), count * SAMPLE_RATE // FPS)
                _write_audio(container, audio_stream, audio[position:end], position)
                position = max(position, end)
        for stream in (video, audio_stream):
            if stream is not None:
                container.mux(stream.encode(None))


def _codec(open_container: bool, crf: int | None) -> tuple[str, str, dict[str, str]]:
    if crf is not None:
        return "libx264", "yuv420p", {"crf": str(crf), "preset": "medium"}
    if open_container:
        return "ffv1", "bgr0", {}
    return "libx264rgb", "rgb24", {"qp": "0", "preset": "veryfast"}


def _write_audio(container: Any, stream: Any, samples: NDArray[np.int16], position: int) -> None:
    if len(samples):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, position, Fraction(1, SAMPLE_RATE)
        container.mux(stream.encode(frame))
