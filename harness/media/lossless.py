"""Canonical video on disk: FFV1 in Matroska, RGB bit for bit, every frame on its own so that any can be read first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media.container import media_errors, open_media, seconds, video_stream
from bench_lipsync.harness.media.format import FPS
from bench_lipsync.harness.util.disk import written_by_ffmpeg
from bench_lipsync.harness.util.sanitize import shown

_OPTIONS = {"level": "3", "g": "1", "slices": "4", "slicecrc": "1", "coder": "range_def", "context": "0"}
# 8-bit RGB as FFV1 stores it: the fourth byte is not coded. RGB <-> BGR0 only moves bytes, no arithmetic is involved.
_PIXELS = "bgr0"


class LosslessWriter:
    """Writes frames of one size at 25 fps; a context manager, the file is complete when it is left.

    The same frames give the same bytes with the same FFmpeg. One thread may write while another leaves: FFmpeg's
    objects are gone then, so a later `write` raises `ValueError` instead of crashing the process.
    """

    def __init__(self, path: Path, width: int, height: int) -> None:
        self.path = path
        self.frames = 0
        """Frames written so far."""
        self._shape = (height, width, 3)
        self._in_use = threading.Lock()
        self._closed = False

    def __enter__(self) -> LosslessWriter:
        # `bitexact` leaves out the date and the random id that Matroska files carry.
        options = {"fflags": "+bitexact"}
        with written_by_ffmpeg(self.path):
            self._container = av.open(str(self.path), "w", format="matroska", container_options=options)
        self._stream = self._container.add_stream("ffv1", rate=FPS, options=dict(_OPTIONS))
        self._stream.height, self._stream.width, _ = self._shape
        self._stream.pix_fmt = _PIXELS
        return self

    def write(self, chunk: NDArray[np.uint8]) -> None:
        """Append frames (n, height, width, 3) uint8 RGB."""
        if chunk.dtype != np.uint8 or chunk.shape[1:] != self._shape:
            raise ValueError(f"expected uint8 frames of shape (n, {self._shape}), got {chunk.dtype} {chunk.shape}")
        for picture in chunk:
            with self._in_use:
                self._append(picture)

    def _append(self, picture: NDArray[np.uint8]) -> None:
        if self._closed:
            raise ValueError(f"{shown(self.path.name)} is closed")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(format=_PIXELS)
        frame.pts, frame.time_base = self.frames, Fraction(1, FPS)
        with written_by_ffmpeg(self.path):
            self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._in_use, written_by_ffmpeg(self.path):
            self._closed = True
            try:
                if kind is None:
                    self._container.mux(self._stream.encode(None))
            finally:
                self._container.close()


def read_lossless(path: Path, start: int = 0, stop: int | None = None, chunk: int = 32) -> Iterator[NDArray[np.uint8]]:
    """Yield chunks (n, height, width, 3) uint8 RGB of frames `start:stop` of a file that `LosslessWriter` wrote.

    Exactly the bytes that were written; a `stop` behind the end gives the frames there are. A file that cannot be read
    raises `ClipError` (`decode_error`). FFmpeg bridges flipped bits within a frame without a word: whoever doubts a
    file compares its frames with the clip's content hash.
    """
    pending: list[NDArray[np.uint8]] = []
    with open_media(path) as container, media_errors(path):
        stream = video_stream(container)
        if stream is None or stream.codec_context.name != "ffv1":
            raise ClipError(Status.DECODE_ERROR, f"{shown(path.name)}: not a canonical FFV1 file")
        if start > 0:
            container.seek(start * 1_000_000 // FPS)
        for packet in container.demux(stream):
            time = seconds(packet.pts, packet.time_base)
            index = None if time is None else round(time * FPS)
            if index is not None and index < start:
                continue  # every frame stands alone, so those before `start` need no decoding
            if stop is not None and index is not None and index >= stop:
                break
            for frame in packet.decode():
                pending.append(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
                if len(pending) == chunk:
                    yield np.stack(pending)
                    pending.clear()
    if pending:
        yield np.stack(pending)
