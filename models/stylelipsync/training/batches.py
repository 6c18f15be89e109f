"""Random training samples: a few consecutive frames of a clip, their audio, and one other frame of it as reference."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bench_lipsync.models.stylelipsync.training.data import TrainingData
from bench_lipsync.models.stylelipsync.training.settings import TrainSettings
from bench_lipsync.models.vision.frames import to_tensor


class Batch(NamedTuple):
    """B samples of T frames at resolution R."""

    frames: Tensor
    """(B, T, 3, R, R) in [-1, 1]"""
    keep: Tensor
    """(B, T, 1, R, R) in [0, 1]"""
    mel: Tensor
    """(B, T, 20, 80)"""
    mouth: Tensor
    """(B, T, 3), see `TrainingData.mouth`"""
    reference: Tensor
    """(B, 3, R, R) in [-1, 1]"""
    reference_mouth: Tensor
    """(B, 3), that of the reference"""


def draw(data: TrainingData, settings: TrainSettings, step: int, shard: int = 0) -> Batch:
    """The batch of `step` that follows from seed, step and shard alone, so that a run can go on without a memory.

    The samples of a step are numbered, and shard k holds the k-th `settings.batch` of them: two processes of one batch
    see the same as one process of two.
    """
    first = shard * settings.batch
    samples = [_sample(data, settings, step, first + index) for index in range(settings.batch)]
    return Batch(*(torch.stack(parts) for parts in zip(*samples, strict=True)))


def _sample(data: TrainingData, settings: TrainSettings, step: int, number: int) -> Batch:
    """Identities evenly, then a clip, a window in it, and one random reference frame of the same clip."""
    rng = np.random.default_rng([settings.seed, step, number])
    groups = data.by_identity
    clips = groups[rng.integers(len(groups))]
    clip = clips[rng.integers(len(clips))]
    offset = int(rng.integers(clip.frames - settings.frames + 1))
    reference = _reference(clip.frames, offset, settings, rng)
    sample = window(data, clip.start + offset, settings.frames, clip.start + reference)
    if settings.colour or settings.gamma:
        sample = _recolour(sample, settings, rng)
    if settings.flip and rng.random() < 0.5:
        sample = _mirror(sample)
    return sample


def _reference(frames: int, offset: int, settings: TrainSettings, rng: np.random.Generator) -> int:
    """A frame of the clip at least `reference_gap` frames away from the window, or any where there is none."""
    before = max(0, offset - settings.reference_gap)
    behind = min(frames, offset + settings.frames + settings.reference_gap)
    free = before + frames - behind
    if not settings.reference_gap or free <= 0:
        return int(rng.integers(frames))
    index = int(rng.integers(free))
    return index if index < before else index - before + behind


def window(data: TrainingData, start: int, length: int, reference: int) -> Batch:
    """The sample (no batch axis) of frames `start:start + length` with flat frame number `reference`."""
    span = slice(start, start + length)
    return Batch(
        to_tensor(data.frames[span]),
        torch.from_numpy(data.keep[span].astype(np.float32) / 255.0)[:, None],
        torch.from_numpy(np.array(data.mel[span])),
        torch.from_numpy(np.array(data.mouth[span])),
        to_tensor(data.frames[reference][None])[0],
        torch.from_numpy(np.array(data.mouth[reference])),
    )


def _recolour(sample: Batch, settings: TrainSettings, rng: np.random.Generator) -> Batch:
    """One change of colours for frames and reference: what is learned is to match tones, not to know them."""
    gain, offset = (settings.colour * rng.uniform(-1, 1, (3, 1, 1)) for _ in range(2))
    power = math.exp(settings.gamma * rng.uniform(-1, 1))
    a, b = torch.from_numpy(1.0 + gain).float(), torch.from_numpy(offset).float()

    def change(images: Tensor) -> Tensor:
        if settings.gamma:
            images = ((images + 1) / 2).pow(power) * 2 - 1
        return (images * a + b).clamp(-1, 1)

    return sample._replace(frames=change(sample.frames), reference=change(sample.reference))


def _mirror(sample: Batch) -> Batch:
    change = {name: getattr(sample, name).flip(-1) for name in ("frames", "keep", "reference")}
    other_side = torch.tensor([-1.0, 1.0, 1.0])
    mouths = {name: getattr(sample, name) * other_side for name in ("mouth", "reference_mouth")}
    return sample._replace(**mouths, **change)
