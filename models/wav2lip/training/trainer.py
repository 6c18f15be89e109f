"""One training of Wav2Lip in memory: network and optimiser, and how to save and resume them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench_lipsync.models.syncnet.expert.network import load_expert, sync_loss
from bench_lipsync.models.training.trainer import Stateful, Trainer
from bench_lipsync.models.wav2lip.crops import network_input, to_bgr
from bench_lipsync.models.wav2lip.network import Wav2LipNet
from bench_lipsync.models.wav2lip.training.data import Wav2LipData
from bench_lipsync.models.wav2lip.training.settings import Wav2LipSettings


class Losses(NamedTuple):
    """Scalars before their weights; `total` is the weighted sum, which is minimised."""

    total: Tensor
    l1: Tensor
    sync: Tensor


class Batch(NamedTuple):
    """B samples of T frames."""

    faces: Tensor
    """(B, T, 3, 96, 96) in [0, 1], BGR"""
    reference: Tensor
    """(B, T, 3, 96, 96), frames of another moment of the clip"""
    mel: Tensor
    """(B, T, 1, 80, 16)"""
    expert_mel: Tensor
    """(B, T, 20, 80)"""
    mouth: Tensor
    """(B, T, 3)"""


class Wav2LipTrainer(Trainer[Losses]):
    """Trains Wav2Lip's generator."""

    settings: Wav2LipSettings
    may_change = frozenset({"steps", "save_every", "sheet_every"})

    def __init__(self, settings: Wav2LipSettings, data: Wav2LipData, device: str = "cpu") -> None:
        super().__init__(settings, device)
        torch.manual_seed(settings.seed)
        self.data = data
        # A third less time for a step on a CPU than channels first.
        self.net = Wav2LipNet(settings.divide).to(device).to(memory_format=torch.channels_last).train()
        for layer in self.net.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = settings.momentum
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=settings.lr, betas=settings.betas, fused=True)
        self.expert = load_expert(None, device, "bce") if settings.sync_weight else None

    @staticmethod
    def rate(settings: Wav2LipSettings, step: int) -> float:
        """Constant, or half a cosine down to zero."""
        factor = 0.5 + 0.5 * math.cos(math.pi * min(1.0, step / settings.steps)) if settings.cosine else 1.0
        return settings.lr * factor

    def step(self) -> Losses:
        """One optimiser step."""
        settings = self.settings
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(settings, self.done)
        if settings.spread:
            self._let_norms_learn(self.done < settings.sync_start)
        batch = Batch(*(part.to(self.device) for part in draw(self.data, settings, self.done)))
        masked = network_input(batch.faces.flatten(0, 1), batch.reference.flatten(0, 1))
        output = self.net(batch.mel.flatten(0, 1), masked).view_as(batch.faces)
        losses = self._losses(output, batch)
        self.optimiser.zero_grad(set_to_none=True)
        losses.total.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.done += 1
        return Losses(*(part.detach() for part in losses))

    def _let_norms_learn(self, learn: bool) -> None:
        """Batch norm in training mode follows the batch's statistics, in evaluation mode it keeps its own."""
        for layer in self.net.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.train(learn)

    def _losses(self, output: Tensor, batch: Batch) -> Losses:
        l1, weight = F.l1_loss(output, batch.faces), self.settings.sync_weight
        if self.expert is None or self.done < self.settings.sync_start:
            return Losses(l1, l1, l1.new_zeros(()))
        # The expert sees RGB in [-1, 1].
        frames = output.flip(2) * 2 - 1
        sync = sync_loss(self.expert, frames, batch.mouth, batch.expert_mel)
        return Losses((1 - weight) * l1 + weight * sync, l1, sync)

    def parts(self) -> Mapping[str, Stateful]:
        """Network and optimizer."""
        return {"net": self.net, "optimiser": self.optimiser}


def draw(data: Wav2LipData, settings: Wav2LipSettings, step: int) -> Batch:
    """The batch of `step`, which follows from seed and step alone."""
    count, frames = settings.batch, settings.frames
    if settings.spread and step < settings.sync_start:
        count, frames = count * frames, 1
    samples = [_sample(data, frames, [settings.seed, step, number]) for number in range(count)]
    return Batch(*(torch.stack(parts) for parts in zip(*samples, strict=True)))


def _sample(data: Wav2LipData, frames: int, seed: list[int]) -> Batch:
    """Identities evenly, then a clip, a window in it, and another window of the same clip as reference."""
    rng = np.random.default_rng(seed)
    groups = data.by_identity
    clips = groups[rng.integers(len(groups))]
    clip = clips[rng.integers(len(clips))]
    first, other = (clip.start + int(value) for value in rng.integers(clip.frames - frames + 1, size=2))
    span = slice(first, first + frames)
    arrays = (torch.from_numpy(np.array(part[span])) for part in (data.mel, data.expert_mel, data.mouth))
    return Batch(to_bgr(data.faces[span]), to_bgr(data.faces[other : other + frames]), *arrays)
