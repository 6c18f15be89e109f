"""The material of one training step, which follows from (seed, step) alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bench_lipsync.models.audio.mel import log_mel
from bench_lipsync.models.syncnet.open.augment_audio import augment_mel, augment_samples
from bench_lipsync.models.syncnet.open.augment_lips import augment_lips
from bench_lipsync.models.syncnet.open.data import MARGIN, TrainingClip, segment
from bench_lipsync.models.syncnet.open.network import MEL_PER_FRAME
from bench_lipsync.models.syncnet.settings import SyncSettings


class Batch(NamedTuple):
    """Stretches of several clips."""

    crops: Tensor
    """(B, T, S, S) float32 grey in 0..1."""
    mel: Tensor
    """(B, 4T, 80) float32 log10 mel power."""


def make_batch(clips: Sequence[TrainingClip], settings: SyncSettings, step: int, crop: int, *, augment: bool) -> Batch:
    """Random stretches for `step`, crops at `crop` pixels; negative steps are for watching held-out clips."""
    draw = np.random.Generator(np.random.PCG64([settings.seed, abs(step), step < 0]))
    chosen = draw.permutation(len(clips))[: settings.batch]
    if len(chosen) < settings.batch:
        chosen = draw.integers(0, len(clips), settings.batch)
    lips, mels = [], []
    for index in chosen:
        crops, samples = segment(
            clips[index], int(draw.integers(0, clips[index].frames - settings.frames + 1)), settings.frames
        )
        gently = True
        if augment:
            other = clips[int(draw.integers(len(clips)))].samples
            start = int(draw.integers(0, len(other) - len(samples) + 1))
            gently = draw.random() > 0.9 * min(1.0, step / settings.gentle_until)
            wave = augment_samples(samples, other[start : start + len(samples)], draw, gently=gently)
            lips.append(augment_lips(crops, crop, draw, gently=gently))
        else:
            wave = samples.astype(np.float32) / 32768.0
            edge = (round(crop * MARGIN) - crop) // 2
            lips.append(crops[:, edge : edge + crop, edge : edge + crop].astype(np.float32) / 255.0)
        mel = log_mel(torch.from_numpy(wave))[: settings.frames * MEL_PER_FRAME].numpy()
        mels.append(augment_mel(mel, draw) if augment and not gently else mel)
    return Batch(torch.from_numpy(np.stack(lips)), torch.from_numpy(np.stack(mels)))
