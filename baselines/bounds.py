"""Baselines that bound every table: the ground truth, its first frame, and the ground truth with mismatched audio.

They need no weights. A useful model lies between them; a model above the ground truth deserves a closer look.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, ModelCard


class GroundTruth:
    """The prepared clip itself: the score of a perfect reconstruction."""

    card = ModelCard(
        name="ground-truth",
        kind="bound",
        description="the prepared clip itself",
        gt_leak="is the ground truth",
    )
    frames_are_truth = True
    """The engine reads the prepared video instead of storing a copy."""

    def fingerprint(self) -> str:
        """Constant: the frames are the clip's own."""
        return "ground-truth-v1"

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield the clip's frames unchanged."""
        return clip.read_frames(chunk=context.batch_size)


class ShuffledAudio(GroundTruth):
    """Real lips scored with the audio of another clip: the value of a synchronisation metric without synchrony."""

    card = ModelCard(
        name="shuffled-audio",
        kind="bound",
        description="the prepared clip, judged against the audio of another identity's clip",
        gt_leak="is the ground truth",
        scores_audio="shuffled",
    )

    def fingerprint(self) -> str:
        """Constant: the frames are the clip's own."""
        return "shuffled-audio-v1"


class Static:
    """The first frame for the whole clip: perfect identity, no speech."""

    card = ModelCard(
        name="static",
        kind="bound",
        description="the first frame held still",
        gt_leak="the first frame is the ground truth's",
    )

    def fingerprint(self) -> str:
        """Constant: the frame is the clip's own."""
        return "static-v1"

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield the first frame `clip.frames` times."""
        first = next(iter(clip.read_frames(stop=1)))
        for start in range(0, clip.frames, context.batch_size):
            count = min(context.batch_size, clip.frames - start)
            yield np.repeat(first, count, axis=0)
