"""Foreign speech: mel windows of other speakers, which the adapted network must still follow."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.audio.mel import clip_windows

MIN_FRAMES = 25
"""Shorter utterances are left out."""


@dataclass(frozen=True)
class ForeignSpeech:
    """Mel windows (frames, 20, 80) of utterances."""

    name: str
    """What it is, with the beginning of its sha256."""
    windows: tuple[Tensor, ...]

    def draw(self, frames: int, halo: int, rng: np.random.Generator) -> Tensor:
        """`frames` consecutive windows of one utterance, with `halo` more on both sides: (frames + 2 halo, 20, 80)."""
        utterance = self.windows[rng.integers(len(self.windows))]
        length = frames + 2 * halo
        start = int(rng.integers(len(utterance) - length + 1))
        return utterance[start : start + length]


def foreign_speech(utterances: Sequence[NDArray[np.int16]], name: str) -> ForeignSpeech:
    """`utterances` (int16 at 16 kHz) as mel windows. Raises `BenchError` if none is a second long."""
    long_enough = [samples for samples in utterances if len(samples) >= MIN_FRAMES * SAMPLES_PER_FRAME]
    if not long_enough:
        raise BenchError(
            f"no foreign speech in {name}: {len(utterances)} recordings, none of a second or more; "
            "name a folder with longer ones, or leave --foreign out"
        )
    digest = hashlib.sha256()
    for samples in long_enough:
        digest.update(np.ascontiguousarray(samples).tobytes())
    windows = tuple(clip_windows(samples, len(samples) // SAMPLES_PER_FRAME) for samples in long_enough)
    return ForeignSpeech(f"{name}@{digest.hexdigest()[:8]}", windows)


def demo_speech() -> ForeignSpeech:
    """Sentences of the demo set's training split in the voices of its identities (eSpeak NG); made once and cached."""
    from bench_lipsync.harness.datasets.demo.foreign_speech import foreign_speech as demo_utterances

    return foreign_speech(demo_utterances(), "demo-train-speech")
