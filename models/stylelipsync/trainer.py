"""One training run in memory: network, moving average, optimiser and random state, and how to save and resume them."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.status import BenchError
from models.stylelipsync.batches import Batch, draw
from models.stylelipsync.data import TrainingData
from models.stylelipsync.frames import hide
from models.stylelipsync.losses import Losses, ReconstructionLoss
from models.stylelipsync.network import StyleLipSyncNet
from models.stylelipsync.scratch_init import begin_grey, equalised_parameters, widen_codes
from models.stylelipsync.settings import TrainSettings

_MAY_CHANGE = frozenset({"steps", "save_every", "sheet_every"})
"""Settings that a resumed run may have otherwise."""


class Trainer:
    """Trains by `step`; the state after `load(save())` gives the same steps as without them."""

    def __init__(self, settings: TrainSettings, data: TrainingData, device: str = "cpu") -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.data, self.device = settings, data, device
        self.rng = np.random.default_rng(settings.seed)
        self.net = StyleLipSyncNet(settings.network).to(device)
        if settings.train_synthesis:
            widen_codes(self.net)
            begin_grey(self.net)
        self.ema = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.net.synthesis.requires_grad_(settings.train_synthesis)
        self.optimiser = torch.optim.Adam(_groups(self.net, settings), betas=settings.betas, fused=True)
        self.loss = ReconstructionLoss(settings, device)
        self.done = 0

    def step(self) -> Losses:
        """One optimiser step on a random batch."""
        batch = Batch(*(part.to(self.device) for part in draw(self.data, self.settings, self.rng)))
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * schedule(self.settings, self.done)
        self.net.train()
        with self._autocast():
            output = self.net(hide(batch.frames, batch.keep), batch.mel, batch.reference, self.settings.noise)
            losses = self._losses(output.float(), batch)
        self.optimiser.zero_grad(set_to_none=True)
        losses.total.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.done += 1
        self._average()
        return Losses(*(part.detach() for part in losses))

    def _losses(self, output: Tensor, batch: Batch) -> Losses:
        if self.settings.composite:
            output = output + (batch.frames - output) * batch.keep
        return self.loss(output.flatten(0, 1), batch.frames.flatten(0, 1), batch.mouth.flatten(0, 1))

    def _autocast(self) -> torch.autocast:
        return torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.settings.precision == "bf16")

    @torch.no_grad()
    def _average(self) -> None:
        # A young average follows closely, so that it does not remember the random beginning.
        factor = min(self.settings.ema, (1 + self.done) / (10 + self.done))
        for mean, value in zip(self.ema.parameters(), self.net.parameters(), strict=True):
            mean.lerp_(value, 1 - factor)
        for kept, new in zip(self.ema.buffers(), self.net.buffers(), strict=True):
            kept.copy_(new)

    def begin_from(self, net: StyleLipSyncNet) -> None:
        """Take over the weights of `net`. Raises `BenchError` if it is another network."""
        wanted, given = self.settings.network.model_dump(), net.config.model_dump()
        other = sorted(key for key in wanted if wanted[key] != given[key])
        if other:
            raise BenchError(f"the weights to begin from are of another network: {', '.join(other)} differ")
        for own in (self.net, self.ema):
            own.load_state_dict(net.state_dict())
            own.w_avg.copy_(net.w_avg)

    def save(self, path: Path) -> None:
        """Write everything that the next step depends on."""
        state = {
            "settings": self.settings.model_dump_json(),
            "done": self.done,
            "net": self.net.state_dict(),
            "ema": self.ema.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "torch_rng": torch.get_rng_state(),
            "numpy_rng": json.dumps(self.rng.bit_generator.state),
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Go on where `save` was called. Raises `BenchError` if the run had other settings."""
        state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        saved, wanted = json.loads(state["settings"]), json.loads(self.settings.model_dump_json())
        changed = sorted(key for key in wanted if key not in _MAY_CHANGE and saved.get(key) != wanted[key])
        if changed:
            raise BenchError(f"{path} was made with other settings ({', '.join(changed)}); use another --out")
        self.done = state["done"]
        self.net.load_state_dict(state["net"])
        self.ema.load_state_dict(state["ema"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["torch_rng"].cpu())
        self.rng.bit_generator.state = json.loads(state["numpy_rng"])


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
