"""What a scorer has computed of ground-truth frames and of sound, kept for the models that follow on the same clips."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip


class Recall:
    """Results for one clip's frames. Without `kept` nothing is remembered."""

    def __init__(self, kept: dict[int, NDArray[np.float32]] | None = None) -> None:
        self._kept = kept

    def __call__(self, frame: int, compute: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """What `compute` gives for the frame of that number, or gave before."""
        if self._kept is None:
            return compute()
        if frame not in self._kept:
            self._kept[frame] = compute()
        return self._kept[frame]


class TruthMemory:
    """Room for the results of so many frames. Clips for which there is none are computed again for every model."""

    def __init__(self, frames: int) -> None:
        self._left = frames
        self._clips: dict[str, dict[int, NDArray[np.float32]]] = {}

    def of(self, clip: PreparedClip) -> Recall:
        """The results for the clip's frames so far, and those to come."""
        key = clip.content_hash
        if key not in self._clips and clip.frames <= self._left:
            self._left -= clip.frames
            self._clips[key] = {}
        return Recall(self._clips.get(key))


class SoundMemory:
    """Embeddings of sounds, kept for the models that follow: all are judged against the same ones."""

    def __init__(self, windows: int) -> None:
        self._left = windows
        self._kept: dict[tuple[str, int], NDArray[np.float32]] = {}

    def __call__(
        self, samples: NDArray[np.int16], windows: int, compute: Callable[[], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """What `compute` gives for the first `windows` windows of `samples`, or gave before; not to be written into."""
        key = hashlib.sha256(np.ascontiguousarray(samples).tobytes()).hexdigest(), windows
        if key in self._kept:
            return self._kept[key]
        found = compute()
        if windows <= self._left:
            self._left -= windows
            self._kept[key] = found
        return found
