"""Finished videos for people: H.264 and AAC in an MP4 that plays while it loads, at any constant rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media.audio import iter_audio
from bench_lipsync.harness.media.container import media_errors
from bench_lipsync.harness.media.info import probe
from bench_lipsync.harness.media.yuv_planes import Planes
from bench_lipsync.harness.util.sanitize import shown

AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Rates at which sound is kept; any other becomes 48 kHz."""
_BITS_PER_CHANNEL = 96_000


class MovieWriter:
    """Writes `Planes` and the sound of a file beside them; a context manager, the file is complete when it is left.

    `sound` is read from `audio` piece by piece as the picture goes on, resampled only where AAC lacks its rate, and
    cut with the picture. Raises `ClipError` (`decode_error`) when FFmpeg cannot write.
    """

    def __init__(
        self,
        path: Path,
        rate: Fraction,
        audio: Path,
        *,
        crf: int = 18,
        pixel_aspect: Fraction | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.path, self.rate, self.frames = path, rate, 0
        self._crf, self._aspect, self._tags = crf, pixel_aspect, dict(tags or {})
        self._audio = audio
        self._video: Any = None

    def __enter__(self) -> MovieWriter:
        with media_errors(self.path):
            self._container = av.open(str(self.path), "w", format="mp4", options={"movflags": "+faststart"})
        self._container.metadata.update(self._tags)
        return self

    def write(self, planes: Planes) -> None:
        """Append a frame; all have the size of the first."""
        planes = planes.even()
        with media_errors(self.path):
            if self._video is None:
                self._open(planes)
            self._container.mux(self._video.encode(planes.frame(self.frames, self.rate)))
            self.frames += 1
            self._sound.upto(float(self.frames / self.rate))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._video is not None:
                with media_errors(self.path):
                    self._sound.close(float(self.frames / self.rate))
                    self._container.mux(self._video.encode(None))
        finally:
            if self._video is not None:
                self._sound.stop()
            self._container.close()

    def _open(self, planes: Planes) -> None:
        options = {"crf": str(self._crf), "preset": "medium"}
        stream: Any = self._container.add_stream("libx264", rate=self.rate, options=options)
        stream.height, stream.width = planes.luma.shape
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.thread_count = 2  # a fixed number: the bytes depend on it
        if self._aspect:
            context.sample_aspect_ratio = self._aspect
        planes.colour.tag(context)
        self._video = stream
        self._sound = _Sound(self._container, self._audio)


class _Sound:
    """The sound of a file, encoded up to a given time."""

    def __init__(self, container: Any, path: Path) -> None:
        self._container = container
        rate, self._channels = _kind(path)
        self.rate = rate if rate in AAC_RATES else 48_000
        self._layout = "mono" if self._channels == 1 else "stereo"
        self._stream = container.add_stream("aac", rate=self.rate, layout=self._layout)
        self._stream.bit_rate = _BITS_PER_CHANNEL * self._channels
        self._pieces: Iterator[NDArray[np.int16]] = iter_audio(path, rate=self.rate, channels=self._channels)
        self._rest = np.empty((0, self._channels), np.int16)
        self._written = 0

    def upto(self, seconds: float) -> None:
        """Encode what lies before `seconds`, as far as there is any."""
        limit = round(seconds * self.rate)
        while self._written < limit:
            if not len(self._rest):
                piece = next(self._pieces, None)
                if piece is None:
                    return
                self._rest = piece
            room = limit - self._written
            self._encode(self._rest[:room])
            self._rest = self._rest[room:]

    def close(self, seconds: float) -> None:
        self.upto(seconds)
        self._container.mux(self._stream.encode(None))

    def stop(self) -> None:
        """Let go of the file."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

    def _encode(self, samples: NDArray[np.int16]) -> None:
        if not len(samples):
            return
        packed = np.ascontiguousarray(samples).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self.rate, self._written, Fraction(1, self.rate)
        self._container.mux(self._stream.encode(frame))
        self._written += len(samples)


def _kind(path: Path) -> tuple[int, int]:
    """Rate and channels (1 or 2) in which the sound of `path` is kept."""
    info = probe(path).audio
    if info is None:
        raise ClipError(Status.NO_AUDIO, f"{shown(path.name)}: no audio stream")
    return info.rate, min(2, max(1, info.channels))
