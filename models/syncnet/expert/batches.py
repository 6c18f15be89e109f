"""The material of one training step of the sync expert, which follows from (seed, step) alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor

from bench_lipsync.models.syncnet.expert.data import ExpertData
from bench_lipsync.models.syncnet.settings import SyncSettings
from bench_lipsync.models.training.clip_arrays import ClipSpan
from bench_lipsync.models.vision.frames import to_tensor


class ExpertBatch(NamedTuple):
    """Stretches of several clips."""

    frames: Tensor
    """(B, T, 3, R, R) in [-1, 1]."""
    squares: Tensor
    """(B, T, 3), see `models.vision.mouth.mouth_squares`."""
    mel: Tensor
    """(B, T, 20, 80)."""


def make_batch(
    data: ExpertData, clips: Sequence[ClipSpan], settings: SyncSettings, step: int, *, augment: bool
) -> ExpertBatch:
    """Random stretches for `step`; negative steps are for watching held-out clips."""
    draw = np.random.Generator(np.random.PCG64([settings.seed, abs(step), step < 0]))
    chosen = draw.permutation(len(clips))[: settings.batch]
    if len(chosen) < settings.batch:
        chosen = draw.integers(0, len(clips), settings.batch)
    parts = [_stretch(data, clips[index], settings.frames, draw, augment=augment) for index in chosen]
    return ExpertBatch(*(torch.stack(part) for part in zip(*parts, strict=True)))


def _stretch(data: ExpertData, clip: ClipSpan, length: int, draw: Generator, *, augment: bool) -> ExpertBatch:
    start = clip.start + int(draw.integers(clip.frames - length + 1))
    span = slice(start, start + length)
    frames = to_tensor(data.frames[span])
    squares = torch.from_numpy(np.array(data.mouth[span]))
    mel = torch.from_numpy(np.array(data.mel[span]))
    if augment:
        frames, squares = _other_camera(frames, squares, draw)
        mel = _other_level(mel, draw)
    return ExpertBatch(frames, squares, mel)


def _other_camera(frames: Tensor, squares: Tensor, draw: Generator) -> tuple[Tensor, Tensor]:
    """Other light, colours, sharpness and framing; generated faces are softer than true ones and must be judged too."""
    gain = torch.from_numpy(1 + draw.uniform(-0.3, 0.3, (3, 1, 1))).float()
    offset = torch.from_numpy(draw.uniform(-0.3, 0.3, (3, 1, 1))).float()
    frames = (frames * gain + offset).clamp(-1, 1)
    if draw.random() < 0.5:
        frames, squares = frames.flip(-1), squares * torch.tensor([-1.0, 1.0, 1.0])
    if draw.random() < 0.5:
        size = frames.shape[-1]
        small = F.interpolate(frames, round(size / draw.uniform(1, 4)), mode="bilinear", antialias=True)
        frames = F.interpolate(small, size, mode="bicubic").clamp(-1, 1)
    frames = frames + float(draw.uniform(0, 0.06)) * torch.from_numpy(draw.standard_normal(frames.shape, np.float32))
    side = squares[:, 2:]
    shift = torch.from_numpy(draw.uniform(-0.15, 0.15, 2)).float() * side
    zoom = float(np.exp(draw.uniform(-0.15, 0.15)))
    return frames, torch.cat([squares[:, :2] + shift, side * zoom], dim=1)


def _other_level(mel: Tensor, draw: Generator) -> Tensor:
    """Another loudness and a little noise; windows share columns, so all get the same level."""
    level = float(draw.uniform(-0.8, 0.4))
    return (mel + level).clamp(min=-5.0) + 0.05 * torch.from_numpy(draw.standard_normal(mel.shape, np.float32))
