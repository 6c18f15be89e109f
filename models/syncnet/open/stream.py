"""Frames in, embeddings of all five-frame windows out, however the frames are cut into chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EmbedStretch = Callable[["NDArray[np.uint8]"], "NDArray[np.float32]"]
"""(n + 4, ...) prepared frames to (n, D) embeddings."""


class WindowStream:
    """Collects frames into stretches of always the same length, overlapping by four frames, and embeds them.

    Fixed stretches make the result the same to the last bit whatever the chunks are; memory stays at one stretch.
    """

    def __init__(self, embed: EmbedStretch, windows: int = 20, overlap: int = 4) -> None:
        self._embed = embed
        self._length = windows + overlap
        self._overlap = overlap
        self._pending: list[NDArray[np.uint8]] = []
        self._embeddings: list[NDArray[np.float32]] = []

    def push(self, frames: NDArray[np.uint8]) -> None:
        """Take the next frames (n, ...)."""
        self._pending.extend(frames)
        while len(self._pending) >= self._length:
            self._embeddings.append(self._embed(np.stack(self._pending[: self._length])))
            del self._pending[: self._length - self._overlap]

    def finish(self) -> NDArray[np.float32]:
        """(T - 4, D) embeddings of the T frames taken; (0, 0) when there were fewer than five."""
        if len(self._pending) > self._overlap:
            self._embeddings.append(self._embed(np.stack(self._pending)))
        self._pending = []
        return np.concatenate(self._embeddings) if self._embeddings else np.empty((0, 0), np.float32)
