"""MP4 videos for viewers: H.264 and AAC that play while they load. Never measured from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
from bench_lipsync.harness.media.damage import Damage
from bench_lipsync.harness.media.format import FPS, SAMPLE_RATE
from bench_lipsync.harness.media.info import probe
from bench_lipsync.harness.media.yuv_planes import Colour, Planes
from bench_lipsync.harness.util.sanitize import shown

AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Sample rates that AAC keeps; any other becomes 48 kHz."""
_BITS_PER_CHANNEL = 96_000
_BT709 = Colour(1, 1, 1)


def write_preview(
    path: Path, chunks: Iterable[NDArray[np.uint8]], audio: NDArray[np.int16] | None, fps: int = FPS
) -> None:
    """Write frames, chunks (n, H, W, 3) uint8 RGB, with 16 kHz mono int16 `audio` (or none) beside them.

    4:2:0 needs even sides: an odd last row or column is shown twice. Raises `ClipError` when FFmpeg cannot write.
    """
    with media_errors(path), Mp4Writer(path, Fraction(fps), audio, crf=20, preset="veryfast") as writer:
        for chunk in chunks:
            for picture in chunk:
                height, width, _ = picture.shape
                even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
                frame = frame.reformat(format="yuv420p", dst_colorspace=_BT709.matrix, dst_color_range=1)
                writer.write_frame(frame, _BT709)
        if not writer.frames:
            raise ValueError("no frame to write")


class Mp4Writer:
    """Writes frames and audio beside them; a context manager, the file is complete when it is left.

    `audio` is a file, read piece by piece as the video goes on and resampled only where AAC lacks its rate, or 16 kHz
    mono samples, or `None`. It is cut with the video. Raises `ClipError` (`decode_error`) when FFmpeg cannot write.
    """

    def __init__(
        self,
        path: Path,
        rate: Fraction,
        audio: Path | NDArray[np.int16] | None,
        *,
        crf: int = 18,
        preset: str = "medium",
        pixel_aspect: Fraction | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.path, self.rate, self.frames = path, rate, 0
        self._options = {"crf": str(crf), "preset": preset}
        self._aspect, self._tags = pixel_aspect, dict(tags or {})
        self._source = audio
        self._video: Any = None
        self._audio: _AudioTrack | None = None

    def __enter__(self) -> Mp4Writer:
        with media_errors(self.path):
            self._container = av.open(str(self.path), "w", format="mp4", options={"movflags": "+faststart"})
        self._container.metadata.update(self._tags)
        return self

    def write(self, planes: Planes) -> None:
        """Append a frame; all have the size of the first."""
        planes = planes.even()
        self.write_frame(planes.frame(self.frames, self.rate), planes.colour)

    def write_frame(self, frame: av.VideoFrame, colour: Colour) -> None:
        """Append a 4:2:0 frame with even sides; the colour of the first one is that of the video."""
        frame.pts, frame.time_base = self.frames, 1 / self.rate
        with media_errors(self.path):
            if self._video is None:
                self._open(frame, colour)
            self._container.mux(self._video.encode(frame))
            self.frames += 1
            if self._audio is not None:
                # Along with the video, so that the muxer never has to hold one back for the other.
                self._audio.write_until(self.frames / self.rate)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._video is not None:
                with media_errors(self.path):
                    # The order decides where the last packets lie; each kind of file keeps its bytes.
                    audio_first = isinstance(self._source, Path)
                    if self._audio is not None and audio_first:
                        self._audio.finish()
                    self._container.mux(self._video.encode(None))
                    if self._audio is not None and not audio_first:
                        self._audio.finish()
        finally:
            if self._audio is not None:
                self._audio.close()
            self._container.close()

    def _open(self, frame: av.VideoFrame, colour: Colour) -> None:
        stream: Any = self._container.add_stream("libx264", rate=self.rate, options=self._options)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
        context = stream.codec_context
        context.thread_count = 2  # a fixed number: the bytes depend on it
        if self._aspect:
            context.sample_aspect_ratio = self._aspect
        colour.tag(context)
        self._video = stream
        if self._source is not None:
            self._audio = _AudioTrack(self._container, self._source)


class _AudioTrack:
    """Audio of a file or an array, encoded up to a given time."""

    def __init__(self, container: Any, source: Path | NDArray[np.int16]) -> None:
        self._container = container
        if isinstance(source, Path):
            rate, channels = _kept_format(source)
            self._rate = rate if rate in AAC_RATES else 48_000
            self._pieces: Iterator[NDArray[np.int16]] = iter_audio(
                source,
                rate=self._rate,
                channels=channels,
                damage=Damage(),  # said by whoever read it before
            )
        else:
            self._rate, channels = SAMPLE_RATE, 1
            self._pieces = iter([source[:, None]])
        self._layout = "mono" if channels == 1 else "stereo"
        self._stream = container.add_stream("aac", rate=self._rate, layout=self._layout)
        if isinstance(source, Path):
            self._stream.bit_rate = _BITS_PER_CHANNEL * channels
        self._pending = np.empty((0, channels), np.int16)
        self._written = 0

    def write_until(self, seconds: Fraction) -> None:
        """Encode what lies before `seconds`, as far as there is any."""
        limit = round(float(seconds) * self._rate)
        while self._written < limit:
            if not len(self._pending):
                piece = next(self._pieces, None)
                if piece is None:
                    return
                self._pending = piece
            missing = limit - self._written
            self._encode(self._pending[:missing])
            self._pending = self._pending[missing:]

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))

    def close(self) -> None:
        """Close the file that the audio is read from."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

    def _encode(self, samples: NDArray[np.int16]) -> None:
        if not len(samples):
            return
        packed = np.ascontiguousarray(samples).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._written, Fraction(1, self._rate)
        self._container.mux(self._stream.encode(frame))
        self._written += len(samples)


def _kept_format(path: Path) -> tuple[int, int]:
    """Sample rate and channels (1 or 2) in which the audio of `path` is kept."""
    info = probe(path).audio
    if info is None:
        raise ClipError(Status.NO_AUDIO, f"{shown(path.name)}: no audio stream")
    return info.rate, min(2, max(1, info.channels))
