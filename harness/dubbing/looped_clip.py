"""A prepared clip with reordered frames and other audio, which models read like any clip."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.faces.track import FaceTrack


@dataclasses.dataclass(frozen=True)
class LoopedClip(PreparedClip):
    """Frame i is frame `order[i]` of the clip in `directory`; the audio is `samples`."""

    order: NDArray[np.intp] = dataclasses.field(default_factory=lambda: np.zeros(0, np.intp), compare=False)
    """(T,); neighbours differ by one or two at most, so that consecutive frames are close together on disk."""
    samples: NDArray[np.int16] = dataclasses.field(default_factory=lambda: np.zeros(0, np.int16), compare=False)
    """(T * 640,) at 16 kHz."""

    @property
    def frames(self) -> int:
        """Number of frames, T."""
        return len(self.order)

    @property
    def content_hash(self) -> str:
        """sha256 over the clip's own hash, the order and the samples."""
        digest = hashlib.sha256(super().content_hash.encode())
        digest.update(self.order.astype("<i8").tobytes())
        digest.update(self.samples.astype("<i2").tobytes())
        return digest.hexdigest()

    def read_frames(self, start: int = 0, stop: int | None = None, chunk: int = 32) -> Iterator[NDArray[np.uint8]]:
        """Like `PreparedClip.read_frames`, in the order of this clip."""
        stop = self.frames if stop is None else min(stop, self.frames)
        for begin in range(start, stop, chunk):
            indices = self.order[begin : min(begin + chunk, stop)]
            first = int(indices.min())
            source = np.concatenate(list(super().read_frames(first, int(indices.max()) + 1, chunk)))
            yield source[indices - first]

    def audio(self) -> NDArray[np.int16]:
        """The audio, int16 mono at 16 kHz."""
        return self.samples

    @cached_property
    def faces(self) -> FaceTrack:
        """The face track, in the order of this clip."""
        track = super().faces
        if np.array_equal(self.order, np.arange(len(track))):
            return track
        return FaceTrack(
            landmarks=track.landmarks[self.order],
            pose=track.pose[self.order],
            blendshapes=track.blendshapes[self.order],
            affine=track.affine[self.order],
            detected=track.detected[self.order],
        )
