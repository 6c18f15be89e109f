"""One adaptation in memory: the network of which only the synthesis part learns, its optimiser, and its losses."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.stylelipsync.adaptation.foreign_speech import ForeignSpeech
from bench_lipsync.models.stylelipsync.adaptation.settings import AdaptSettings
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.network.mals import RADIUS
from bench_lipsync.models.stylelipsync.network.tone import masked_input, tone_of
from bench_lipsync.models.stylelipsync.training.batches import Batch, window
from bench_lipsync.models.stylelipsync.training.data import TrainingData
from bench_lipsync.models.stylelipsync.training.losses import ReconstructionLoss
from bench_lipsync.models.syncnet.expert.network import load_expert, sync_loss
from bench_lipsync.models.syncnet.settings import SyncLossName
from bench_lipsync.models.training.trainer import Stateful, Trainer

Judge = Callable[[Tensor, Tensor, Tensor], Tensor]
"""`judge(frames (B, T, 3, R, R), squares (B, T, 3), mel (B, T, 20, 80))`: a scalar, low when in sync."""


class AdaptLosses(NamedTuple):
    """Scalars before their weights; `total` is the weighted sum, which is minimised."""

    total: Tensor
    reconstruction: Tensor
    sync: Tensor
    reg: Tensor


@dataclass(frozen=True)
class Task:
    """What is learned: frames `start:stop` of `data`, which holds one clip, and foreign speech beside it."""

    data: TrainingData
    start: int
    stop: int
    foreign: ForeignSpeech | None
    key: str
    """Everything beside the settings that decides the result; a state of another task is refused."""


def expert_judge(device: str, form: SyncLossName) -> Judge:
    """The committed sync expert. Raises `BenchError` without its weights."""
    return partial(sync_loss, load_expert(None, device, form), form=form)


class AdaptTrainer(Trainer[AdaptLosses]):
    """Tunes the synthesis part of a copy of `net`.

    Args:
        net: Network to adapt, which is left as it is.
        settings: Of the adaptation.
        task: Footage and foreign speech.
        device: Torch device.
        judge: Replaces the sync expert.

    Raises:
        BenchError: For too little footage, and for a sync regulariser without foreign speech.

    """

    def __init__(
        self, net: StyleLipSyncNet, settings: AdaptSettings, task: Task, device: str = "cpu", judge: Judge | None = None
    ) -> None:
        super().__init__(settings, device)
        if settings.lambda_reg and task.foreign is None:
            raise BenchError(
                "the sync regulariser needs foreign speech; name some with --foreign, or set --lambda-reg 0"
            )
        if task.stop - task.start < settings.frames:
            raise BenchError(
                f"{task.stop - task.start} frames to adapt on; at least {settings.frames} are needed; give more seconds"
            )
        self.task = task
        # Evaluation mode: batch statistics of one speaker must not get into the frozen encoders.
        self.net = copy.deepcopy(net).to(device).eval().requires_grad_(False)
        self.net.synthesis.requires_grad_(True)
        self.optimiser = torch.optim.Adam(self.net.synthesis.parameters(), lr=settings.lr, betas=settings.betas)
        self.loss = ReconstructionLoss(settings.reconstruction(net.config), device)
        judged = settings.lambda_sync or settings.lambda_reg
        self.judge = judge or (expert_judge(device, settings.sync_loss) if judged else None)

    @staticmethod
    def rate(settings: AdaptSettings, step: int) -> float:
        """Half a cosine down to zero, or constant."""
        falling = 0.5 + 0.5 * math.cos(math.pi * step / settings.steps)
        return settings.lr * (falling if settings.schedule == "cosine" else 1.0)

    def step(self) -> AdaptLosses:
        """One optimiser step on windows drawn at random."""
        settings = self.settings
        rng = np.random.default_rng([settings.seed, self.done])
        samples = [self._sample(rng) for _ in range(settings.batch)]
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(settings, self.done)
        self.optimiser.zero_grad(set_to_none=True)
        half = torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=settings.precision == "bf16")
        with half:
            losses = self._losses(samples)
        losses.total.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.done += 1
        return AdaptLosses(*(part.detach() for part in losses))

    def _sample(self, rng: np.random.Generator) -> _Sample:
        """A window of the footage, the latents of its own audio, and those of as much foreign speech."""
        task, frames = self.task, self.settings.frames
        start = int(rng.integers(task.start, task.stop - frames + 1))
        reference = int(rng.integers(task.start, task.stop))
        batch = Batch(*(part.to(self.device) for part in window(task.data, start, frames, reference)))
        # With its neighbours, so that smoothing gives the same latents as in the whole clip.
        first, last = max(task.start, start - RADIUS), min(task.stop, start + frames + RADIUS)
        seen = batch.reference[None] - tone_of(self.net.config, batch.reference[None], batch.reference_mouth[None])
        own = self._latents(task.data.mel[first:last], seen)[start - first :][:frames]
        if not self.settings.lambda_reg or task.foreign is None:
            return _Sample(batch, own, None, None)
        speech = task.foreign.draw(frames, RADIUS, rng)
        foreign = self._latents(speech.numpy(), seen)[RADIUS:][:frames]
        return _Sample(batch, own, foreign, speech[RADIUS:][:frames].to(self.device))

    @torch.no_grad()
    def _latents(self, mel: Any, reference: Tensor) -> Tensor:
        """Latents (T, num_ws, w_dim) of mel windows (T, 20, 80) and a reference (1, 3, R, R) as the network sees it."""
        windows = torch.from_numpy(np.array(mel)).to(self.device)
        latents: Tensor = self.net.latents(windows[None], reference)[0]
        return latents

    def _losses(self, samples: list[_Sample]) -> AdaptLosses:
        settings = self.settings
        batch = Batch(*(torch.stack(parts) for parts in zip(*(sample.batch for sample in samples), strict=True)))
        output = self._generate(batch, torch.stack([sample.own for sample in samples]))
        rec = self.loss(output.flatten(0, 1), batch.frames.flatten(0, 1), batch.mouth.flatten(0, 1)).total
        sync = reg = output.new_zeros(())
        if settings.lambda_sync and self.judge:
            sync = self.judge(output, batch.mouth, batch.mel)
        if settings.lambda_reg and self.judge:
            latents = torch.stack([sample.foreign for sample in samples if sample.foreign is not None])
            mel = torch.stack([sample.mel for sample in samples if sample.mel is not None])
            reg = self.judge(self._generate(batch, latents), batch.mouth, mel)
        return AdaptLosses(rec + settings.lambda_sync * sync + settings.lambda_reg * reg, rec, sync, reg)

    def _generate(self, batch: Batch, latents: Tensor) -> Tensor:
        """Frames (B, T, 3, R, R) over the batch's masked frames."""
        tone = tone_of(self.net.config, batch.reference, batch.reference_mouth)[:, None]
        masked = masked_input(self.net.config, batch.frames, batch.keep, tone).flatten(0, 1)
        output = self.net.decode(masked, latents.flatten(0, 1)).float().view_as(batch.frames)
        frames = output + tone
        return frames + (batch.frames - frames) * batch.keep if self.settings.composite else frames

    def parts(self) -> Mapping[str, Stateful]:
        """The synthesis network and its optimizer."""
        return {"synthesis": self.net.synthesis, "optimiser": self.optimiser}

    def inputs(self) -> Mapping[str, object]:
        """Everything of the task."""
        return {"weights, footage, frames or foreign speech": self.task.key}


class _Sample(NamedTuple):
    batch: Batch
    own: Tensor
    """(T, num_ws, w_dim)"""
    foreign: Tensor | None
    mel: Tensor | None
    """(T, 20, 80) of the foreign speech"""
