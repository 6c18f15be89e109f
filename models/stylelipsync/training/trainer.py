"""One training run in memory: network, moving average and optimiser, and how to save and resume them."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.network.tone import masked_input, tone_of
from bench_lipsync.models.stylelipsync.training.batches import Batch, draw
from bench_lipsync.models.stylelipsync.training.data import TrainingData
from bench_lipsync.models.stylelipsync.training.initialization import (
    Beginning,
    begin_grey,
    equalised_parameters,
    take_over,
    widen_codes,
)
from bench_lipsync.models.stylelipsync.training.losses import Losses, ReconstructionLoss, SyncLoss
from bench_lipsync.models.stylelipsync.training.settings import TrainSettings
from bench_lipsync.models.training.distributed import Ranks
from bench_lipsync.models.training.trainer import Stateful, Trainer


class StyleLipSyncTrainer(Trainer[Losses]):
    """Trains the network and a moving average of its weights.

    Args:
        settings: Of the training.
        data: Clips to train on.
        device: Torch device.
        expert: Weights of another sync expert than the one that comes with the package.
        ranks: The processes that train together.

    """

    settings: TrainSettings
    # `accumulate` as long as as many clips make a step, see `inputs`.
    may_change = frozenset({"steps", "accumulate", "save_every", "sheet_every", "validate_every", "validate_clips"})

    def __init__(
        self,
        settings: TrainSettings,
        data: TrainingData,
        device: str = "cpu",
        *,
        expert: Path | None = None,
        ranks: Ranks = Ranks(),  # noqa: B008 - a constant
    ) -> None:
        super().__init__(settings, device)
        torch.manual_seed(settings.seed)
        self.data, self.ranks = data, ranks
        self.net = StyleLipSyncNet(settings.network).to(device)
        if settings.train_synthesis:
            widen_codes(self.net)
            begin_grey(self.net)
        self.ema = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.net.synthesis.requires_grad_(settings.train_synthesis)
        self.optimiser = torch.optim.Adam(_groups(self.net, settings), betas=settings.betas, fused=True)
        self.loss = ReconstructionLoss(settings, device)
        self.sync = SyncLoss(settings, expert, device)
        self.parallel: nn.Module = self.net if ranks.world == 1 else _parallel(self.net, settings, device)

    @staticmethod
    def rate(settings: TrainSettings, step: int) -> float:
        """Factor of the learning rates."""
        return schedule(settings, step)

    def step(self) -> Losses:
        """One optimiser step; the losses are means over its batches in all processes."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * self.rate(self.settings, self.done)
        self.net.train()
        self.optimiser.zero_grad(set_to_none=True)
        parts = [self._backward(turn) for turn in range(self.settings.accumulate)]
        self.optimiser.step()
        self.done += 1
        self._average()
        return self._mean(torch.stack(parts).mean(dim=0))

    def _backward(self, turn: int) -> Tensor:
        """Add the gradient of one batch; its losses as a vector."""
        shard = turn * self.ranks.world + self.ranks.rank
        drawn = draw(self.data, self.settings, self.done, shard)
        batch = Batch(*(part.to(self.device, non_blocking=True) for part in drawn))
        if self.settings.noise == "random":
            torch.manual_seed(_noise_seed(self.settings.seed, self.done, shard))
        # Gradients are exchanged once a step, with those of the last batch.
        with self._apart(turn + 1 < self.settings.accumulate):
            with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self._half):
                losses = self._losses(self._draw(batch), batch)
            (losses.total / self.settings.accumulate).backward()  # type: ignore[no-untyped-call]
        return torch.stack([part.detach().float() for part in losses])

    def _draw(self, batch: Batch) -> Tensor:
        """Frames (B, T, 3, R, R) of the whole network."""
        tone = tone_of(self.settings.network, batch.reference, batch.reference_mouth)
        masked = masked_input(self.settings.network, batch.frames, batch.keep, tone[:, None])
        output: Tensor = self.parallel(masked, batch.mel, batch.reference - tone, self.settings.noise)
        return output.float() + tone[:, None]

    def _losses(self, output: Tensor, batch: Batch) -> Losses:
        if self.settings.composite:
            output = output + (batch.frames - output) * batch.keep
        losses = self.loss(output.flatten(0, 1), batch.frames.flatten(0, 1), batch.mouth.flatten(0, 1))
        return self.sync.add(losses, output, batch.mouth, batch.mel, self.done)

    @property
    def _half(self) -> bool:
        return self.settings.precision == "bf16"

    def _apart(self, apart: bool) -> AbstractContextManager[None]:
        return self.parallel.no_sync() if apart and self.ranks.world > 1 else nullcontext()  # type: ignore[operator]

    def _mean(self, values: Tensor) -> Losses:
        if self.ranks.world > 1:
            dist.all_reduce(values)
        return Losses(*(values / self.ranks.world))

    @torch.no_grad()
    def _average(self) -> None:
        # A young average follows closely, so that it does not remember the random beginning.
        factor = min(self.settings.ema, (1 + self.done) / (10 + self.done))
        means: list[Tensor] = list(self.ema.parameters())
        values: list[Tensor] = list(self.net.parameters())
        torch._foreach_lerp_(means, values, 1 - factor)
        for kept, new in zip(self.ema.buffers(), self.net.buffers(), strict=True):
            kept.copy_(new)

    def begin_from(self, beginning: Beginning) -> str:
        """Take over weights that were made elsewhere; says which."""
        take_over(self.ema, beginning)
        return take_over(self.net, beginning)

    def parts(self) -> Mapping[str, Stateful]:
        """Network, moving average and optimizer."""
        return {"net": self.net, "ema": self.ema, "optimiser": self.optimiser}

    def inputs(self) -> Mapping[str, object]:
        """Clips that make a step, whatever the processes and batches are that they are spread over."""
        return {"clips_a_step": self.settings.batch * self.settings.accumulate * self.ranks.world}


def schedule(settings: TrainSettings, step: int) -> float:
    """Factor of the learning rates in step number `step` (from 0), 0 to 1."""
    factor = min(1.0, (step + 1) / max(settings.warmup, 1))
    if settings.schedule == "cosine":
        factor *= 0.5 + 0.5 * math.cos(math.pi * min(1.0, step / settings.steps))
    return factor


def _groups(net: StyleLipSyncNet, settings: TrainSettings) -> list[dict[str, Any]]:
    """Parameters to train, those of StyleGAN2's layers with a learning rate of their own."""
    equalised = equalised_parameters(net)
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    plain = [parameter for parameter in trained if parameter not in equalised]
    unit = [parameter for parameter in trained if parameter in equalised]
    return [{"params": plain, "peak": settings.lr}, {"params": unit, "peak": settings.lr_decoder or settings.lr}]


def _parallel(net: StyleLipSyncNet, settings: TrainSettings, device: str) -> nn.Module:
    """`net` with gradients averaged over all processes."""
    where = torch.device(device)
    return nn.parallel.DistributedDataParallel(
        net,
        device_ids=None if where.type == "cpu" else [where],
        # Without noise its strengths get no gradient.
        find_unused_parameters=settings.noise == "none" and settings.train_synthesis,
    )


def _noise_seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
