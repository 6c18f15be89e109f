"""Frames kept on disk until the clip is complete, so that memory does not grow with its length."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench_lipsync.harness.util.disk import room_needed

if TYPE_CHECKING:
    from numpy.typing import NDArray


class FrameSpool:
    """Raw frames of one size in an unnamed temporary file, freed with the object."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="bench-frames-")  # noqa: SIM115 - lives as long as the clip
        self._shape: tuple[int, ...] = ()
        self.frames = 0
        """Number of frames written."""

    def push(self, frames: NDArray[np.uint8]) -> None:
        """Take the next frames (n, H, W, 3)."""
        self._shape = frames.shape[1:]
        with room_needed(Path(tempfile.gettempdir())):
            self._file.write(np.ascontiguousarray(frames).tobytes())
            self._file.flush()
        self.frames += len(frames)

    def read(self, first: int, end: int, chunk: int = 32) -> Iterator[NDArray[np.uint8]]:
        """Chunks of frames `first:end`."""
        size = int(np.prod(self._shape))
        for start in range(first, end, chunk):
            count = min(chunk, end - start)
            self._file.seek(start * size)
            pixels = np.frombuffer(self._file.read(count * size), np.uint8)
            yield pixels.reshape(count, *self._shape)

    def close(self) -> None:
        """Free the disk space."""
        self._file.close()
