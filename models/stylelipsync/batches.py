"""Random training samples: a few consecutive frames of a clip, their sound, and one other frame of it as reference."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.stylelipsync.data import TrainingData
from models.stylelipsync.frames import to_tensor
from models.stylelipsync.settings import TrainSettings


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


def draw(data: TrainingData, settings: TrainSettings, rng: np.random.Generator) -> Batch:
    """Draw a batch: identities evenly, then a clip, a position in it, and a reference anywhere in the same clip.

    How the paper draws references is not known; the same clip is ours.
    """
    samples = [_sample(data, settings, rng) for _ in range(settings.batch)]
    return Batch(*(torch.stack(parts) for parts in zip(*samples, strict=True)))


def _sample(data: TrainingData, settings: TrainSettings, rng: np.random.Generator) -> Batch:
    identities = sorted({clip.identity for clip in data.clips})
    identity = identities[rng.integers(len(identities))]
    clips = [clip for clip in data.clips if clip.identity == identity]
    clip = clips[rng.integers(len(clips))]
    start = clip.start + int(rng.integers(clip.frames - settings.frames + 1))
    reference = clip.start + int(rng.integers(clip.frames))
    sample = window(data, start, settings.frames, reference)
    if settings.colour:
        gain = 1.0 + settings.colour * rng.uniform(-1, 1, (3, 1, 1))
        offset = settings.colour * rng.uniform(-1, 1, (3, 1, 1))
        sample = _recolour(sample, gain, offset)
    if settings.flip and rng.random() < 0.5:
        sample = _mirror(sample)
    return sample


def window(data: TrainingData, start: int, length: int, reference: int) -> Batch:
    """The sample (no batch axis) of frames `start:start + length` with flat frame number `reference`."""
    span = slice(start, start + length)
    return Batch(
        to_tensor(data.frames[span]),
        torch.from_numpy(data.keep[span].astype(np.float32) / 255.0)[:, None],
        torch.from_numpy(np.array(data.mel[span])),
        torch.from_numpy(np.array(data.mouth[span])),
        to_tensor(data.frames[reference][None])[0],
    )


def _recolour(sample: Batch, gain: NDArray[np.float64], offset: NDArray[np.float64]) -> Batch:
    a, b = torch.from_numpy(gain).float(), torch.from_numpy(offset).float()
    change = {name: (getattr(sample, name) * a + b).clamp(-1, 1) for name in ("frames", "reference")}
    return sample._replace(**change)


def _mirror(sample: Batch) -> Batch:
    change = {name: getattr(sample, name).flip(-1) for name in ("frames", "keep", "reference")}
    return sample._replace(mouth=sample.mouth * torch.tensor([-1.0, 1.0, 1.0]), **change)
