"""Keep planes of a clip, for pasting the output of StyleLipSync into the full frame."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.models.stylelipsync.mask.face import NeutralFace
from bench_lipsync.models.stylelipsync.mask.mask import keep_planes
from bench_lipsync.models.stylelipsync.mask.predictor import find_face


def clip_keep_planes(
    clip: PreparedClip, kind: str, start: int, stop: int, mesh: str = "mediapipe"
) -> NDArray[np.float32]:
    """Soft masks (stop - start, 256, 256) of frames `start:stop`: 1 where the frame is kept, 0 where it is drawn anew.

    `kind` and `mesh` are the configuration's `mask` and `mesh`: the planes that `StyleLipSync.generate` blends with.
    """
    return keep_planes(_face(_ByHash(clip), mesh).span(start, stop), kind, stop - start)


class _ByHash:
    """A clip that is equal to another one only if all of its frames are: clips themselves compare by folder."""

    def __init__(self, clip: PreparedClip) -> None:
        self.clip = clip
        self._hash = clip.content_hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByHash) and other._hash == self._hash

    def __hash__(self) -> int:
        return hash(self._hash)


@lru_cache(maxsize=1)
def _face(key: _ByHash, mesh: str) -> NeutralFace:
    """Found once a clip: it is averaged over all of its frames."""
    return find_face(key.clip, mesh)
