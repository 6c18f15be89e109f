"""Results for ground-truth frames and for audio, kept for the models that follow on the same clips."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip


class ClipCache:
    """Results for the frames of one clip, computed once each. Without `results` nothing is kept."""

    def __init__(self, results: dict[int, NDArray[np.float32]] | None = None) -> None:
        self._results = results

    def __call__(self, frame: int, compute: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """The result of `compute` for the frame with that number, from the cache where it is."""
        if self._results is None:
            return compute()
        if frame not in self._results:
            self._results[frame] = compute()
        return self._results[frame]


class TruthCache:
    """Keeps the results of at most `frames` frames. Clips that no longer fit are computed again for every model."""

    def __init__(self, frames: int) -> None:
        self._free = frames
        self._clips: dict[str, dict[int, NDArray[np.float32]]] = {}

    def of(self, clip: PreparedClip) -> ClipCache:
        """The cache of the clip's frames."""
        key = clip.content_hash
        if key not in self._clips and clip.frames <= self._free:
            self._free -= clip.frames
            self._clips[key] = {}
        return ClipCache(self._clips.get(key))


class AudioCache:
    """Keeps the embeddings of at most `windows` audio windows, since all models are judged against the same audio."""

    def __init__(self, windows: int) -> None:
        self._free = windows
        self._embeddings: dict[tuple[str, int], NDArray[np.float32]] = {}

    def __call__(
        self, samples: NDArray[np.int16], windows: int, compute: Callable[[], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """The result of `compute` for the first `windows` windows of `samples`; callers must not write into it."""
        key = hashlib.sha256(np.ascontiguousarray(samples).tobytes()).hexdigest(), windows
        if key in self._embeddings:
            return self._embeddings[key]
        embeddings = compute()
        if windows <= self._free:
            self._free -= windows
            self._embeddings[key] = embeddings
        return embeddings
