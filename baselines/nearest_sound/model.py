"""`nearest-sound`: the clip's own mouths, reordered so that each was recorded with audio similar to the driving audio.

No network and no training: a lower bound for dubbing models.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.baselines.nearest_sound.mouth_transplant import transplant
from bench_lipsync.baselines.nearest_sound.unit_selection import audio_features, choose_units, default_gap
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, ModelCard

_MAX_SOURCE = 2_000
"""Frames from the clip's start that are candidates; bounds memory and time for long clips."""

_PER_DEGREE = 0.9
"""Weight of the yaw, in units of audio distance a degree: ten degrees are half the distance of unrelated audio."""


class NearestSound:
    """Concatenates mouths as in Video Rewrite (Bregler et al., SIGGRAPH 1997), chosen by MFCC instead of triphones."""

    card = ModelCard(
        name="nearest-sound",
        kind="bound",
        description="each mouth is taken from the moment of the same clip that sounds most alike; where the clip's own"
        " audio is given, at least a second away (a quarter of a short clip)",
        gt_leak="true mouths, of other moments of the same clip; everything but the mouth",
    )

    def fingerprint(self) -> str:
        """Digest of the algorithm alone: there are no weights."""
        return f"nearest-sound-v1|{_MAX_SOURCE}"

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield the clip's frames with transplanted mouths."""
        own_audio = clip.audio()
        yaw = clip.faces.yaw_degrees()[:, None] * _PER_DEGREE
        targets = np.hstack([audio_features(audio, clip.frames), yaw])
        candidates = np.hstack([audio_features(own_audio, clip.frames), yaw])[:_MAX_SOURCE]
        gap = default_gap(clip.frames) if np.array_equal(audio, own_audio) else 0
        chosen = choose_units(targets, candidates, gap)
        landmarks = clip.faces.landmarks
        start = 0
        for frames in clip.read_frames(chunk=context.batch_size):
            indices = chosen[start : start + len(frames)]
            sources = _read(clip, indices)
            points = landmarks[start : start + len(frames)]
            pairs = zip(frames, points, sources, landmarks[indices], strict=True)
            yield np.stack([transplant(*pair) for pair in pairs])
            start += len(frames)


def _read(clip: PreparedClip, indices: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    """The frames at `indices`; consecutive ones are read together."""
    frames: list[NDArray[np.uint8]] = []
    for run in np.split(indices, np.flatnonzero(np.diff(indices) != 1) + 1):
        for chunk in clip.read_frames(int(run[0]), int(run[-1]) + 1):
            frames.extend(chunk)
    return frames
