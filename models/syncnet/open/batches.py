"""The material of one training step, which follows from (seed, step) alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bench_lipsync.models.audio.mel import log_mel
from bench_lipsync.models.syncnet.open.augment_audio import augment_mel, augment_samples
from bench_lipsync.models.syncnet.open.augment_lips import augment_lips
from bench_lipsync.models.syncnet.open.data import MARGIN, TrainingClip, segment
from bench_lipsync.models.syncnet.open.network import MEL_PER_FRAME


@dataclass(frozen=True)
class TrainConfig:
    """Everything that changes the weights."""

    steps: int = 3000
    seed: int = 0
    batch: int = 16
    """Stretches of different clips in a step."""
    frames: int = 20
    """Frames of a stretch; it has four windows less."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    warmup: int = 100
    gentle_until: int = 400
    """Step by which nine stretches in ten are fully augmented; the share grows evenly from none."""
    bf16: bool = False
    """Half-precision arithmetic; twice as fast on processors and GPUs that have it."""

    def rate(self, step: int) -> float:
        """Learning rate: linear warm-up, then half a cosine down to zero."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(self.steps - self.warmup, 1)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


class Batch(NamedTuple):
    """Stretches of several clips."""

    crops: Tensor
    """(B, T, S, S) float32 grey in 0..1."""
    mel: Tensor
    """(B, 4T, 80) float32 log10 mel power."""


def make_batch(clips: Sequence[TrainingClip], config: TrainConfig, step: int, crop: int, *, augment: bool) -> Batch:
    """Random stretches for `step`, crops at `crop` pixels; negative steps are for watching held-out clips."""
    draw = np.random.Generator(np.random.PCG64([config.seed, abs(step), step < 0]))
    chosen = draw.permutation(len(clips))[: config.batch]
    if len(chosen) < config.batch:
        chosen = draw.integers(0, len(clips), config.batch)
    lips, sounds = [], []
    for index in chosen:
        pictures, samples = segment(
            clips[index], int(draw.integers(0, clips[index].frames - config.frames + 1)), config.frames
        )
        gently = True
        if augment:
            voice = clips[int(draw.integers(len(clips)))].samples
            start = int(draw.integers(0, len(voice) - len(samples) + 1))
            gently = draw.random() > 0.9 * min(1.0, step / config.gentle_until)
            wave = augment_samples(samples, voice[start : start + len(samples)], draw, gently=gently)
            lips.append(augment_lips(pictures, crop, draw, gently=gently))
        else:
            wave = samples.astype(np.float32) / 32768.0
            edge = (round(crop * MARGIN) - crop) // 2
            lips.append(pictures[:, edge : edge + crop, edge : edge + crop].astype(np.float32) / 255.0)
        mel = log_mel(torch.from_numpy(wave))[: config.frames * MEL_PER_FRAME].numpy()
        sounds.append(augment_mel(mel, draw) if augment and not gently else mel)
    return Batch(torch.from_numpy(np.stack(lips)), torch.from_numpy(np.stack(sounds)))
