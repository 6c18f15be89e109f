"""One GAN training in memory: both networks, moving average, optimisers and random state; how to save and resume."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench_lipsync.models.stylegan2.network.discriminator import Discriminator
from bench_lipsync.models.stylegan2.network.generator import Generator
from bench_lipsync.models.stylegan2.training.data import draw
from bench_lipsync.models.stylegan2.training.losses import (
    discriminator_loss,
    generator_loss,
    path_lengths,
    path_penalty,
    r1_penalty,
)
from bench_lipsync.models.stylegan2.training.optimizers import average, descend, lazy_adam
from bench_lipsync.models.stylegan2.training.settings import GanSettings
from bench_lipsync.models.training.trainer import Stateful, Trainer


class GanLosses(NamedTuple):
    """Of one step; the penalties are those of their last step."""

    generator: float
    discriminator: float
    real: float
    """Mean logit of real images."""
    fake: float
    """Mean logit of fakes in the discriminator's step."""
    r1: float
    path: float
    """Mean path length."""


class GanTrainer(Trainer[GanLosses]):
    """Trains a StyleGAN2 generator and its discriminator, and a moving average of the generator."""

    settings: GanSettings
    may_change = frozenset({"kimg", "save_every", "sheet_every"})

    def __init__(self, settings: GanSettings, frames: NDArray[np.uint8], device: str = "cpu") -> None:
        super().__init__(settings, device)
        torch.manual_seed(settings.seed)
        self.frames = frames
        self.rng = np.random.default_rng(settings.seed)
        # Channels last: bfloat16 convolutions are twice as fast on a CPU and no slower on a GPU.
        last = torch.channels_last
        self.generator = Generator(settings.network).to(device).to(memory_format=last)
        channels = settings.discriminator_channels
        judge = Discriminator(settings.network.resolution, channels, settings.group)
        self.discriminator = judge.to(device).to(memory_format=last)
        self.ema = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.generator_adam = lazy_adam(self.generator, settings, settings.path_every if settings.path_weight else None)
        self.discriminator_adam = lazy_adam(
            self.discriminator, settings, settings.r1_every if settings.r1_gamma else None
        )
        self.path_mean = torch.zeros((), device=device)
        self.r1 = 0.0

    def step(self) -> GanLosses:
        """Both networks once, and the penalties that are due."""
        real = draw(self.frames, self.settings.batch, self.rng, mirror=self.settings.mirror).to(self.device)
        fakes, loss_g = self._generator_step()
        if self.settings.path_weight and self.done % self.settings.path_every == 0:
            self._path_step()
        if not self.settings.share_fakes:
            with torch.no_grad(), self._autocast():
                fakes = self._images(self.settings.batch)[0].float()
        loss_d, logits_real, logits_fake = self._discriminator_step(real, fakes)
        if self.settings.r1_gamma and self.done % self.settings.r1_every == 0:
            self._r1_step(real)
        self.done += 1
        self._average()
        real_mean, fake_mean = float(logits_real.mean()), float(logits_fake.mean())
        return GanLosses(float(loss_g), float(loss_d), real_mean, fake_mean, self.r1, float(self.path_mean))

    def _images(self, count: int, *, track: bool = False) -> tuple[Tensor, Tensor]:
        z = torch.randn(count, self.settings.network.z_dim, device=self.device)
        ws = self.generator.latents(z, mixing=self.settings.style_mixing, track=track)
        return self.generator.synthesis(ws, "random"), ws

    def _generator_step(self) -> tuple[Tensor, Tensor]:
        self.discriminator.requires_grad_(False)
        with self._autocast():
            fakes = self._images(self.settings.batch, track=True)[0].float()
            loss = generator_loss(self.discriminator(fakes))
        descend(self.generator_adam, loss)
        self.discriminator.requires_grad_(True)
        return fakes.detach(), loss.detach()

    def _discriminator_step(self, real: Tensor, fakes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with self._autocast():
            logits_real, logits_fake = self.discriminator(real), self.discriminator(fakes)
            loss = discriminator_loss(logits_real, logits_fake)
        descend(self.discriminator_adam, loss)
        return loss.detach(), logits_real.detach(), logits_fake.detach()

    def _path_step(self) -> None:
        count = max(1, self.settings.batch // self.settings.path_shrink)
        lengths = path_lengths(*self._images(count))
        penalty, self.path_mean = path_penalty(lengths, self.path_mean, self.settings.path_decay)
        # Done once in `path_every` steps, so it counts for as many.
        descend(self.generator_adam, penalty * self.settings.path_weight * self.settings.path_every)

    def _r1_step(self, real: Tensor) -> None:
        real = real.detach().requires_grad_(True)
        penalty = r1_penalty(self.discriminator(real), real)
        descend(self.discriminator_adam, penalty * (self.settings.r1_gamma / 2) * self.settings.r1_every)
        self.r1 = float(penalty.detach())

    def _autocast(self) -> torch.autocast:
        return torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.settings.precision == "bf16")

    def _average(self) -> None:
        half_life = self.settings.ema_kimg * 1000
        if self.settings.ema_ramp:
            half_life = min(half_life, self.done * self.settings.batch * self.settings.ema_ramp)
        average(self.ema, self.generator, 0.5 ** (self.settings.batch / max(half_life, 1e-8)))

    def parts(self) -> Mapping[str, Stateful]:
        """Networks, moving average and optimizers."""
        names = ("generator", "discriminator", "ema", "generator_adam", "discriminator_adam")
        return {name: getattr(self, name) for name in names}

    def inputs(self) -> Mapping[str, object]:
        """Number of frames that are drawn from."""
        return {"frames": len(self.frames)}

    def extra_state(self) -> Mapping[str, Any]:
        """The last penalties, and all states of random generators: latents and noise are drawn from them."""
        return {
            "r1": self.r1,
            "path_mean": self.path_mean,
            "torch_rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state(self.device) if self._on_gpu() else None,
            "numpy_rng": json.dumps(self.rng.bit_generator.state),
        }

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Take over penalties and random states."""
        self.r1, self.path_mean = state["r1"], state["path_mean"]
        torch.set_rng_state(state["torch_rng"].cpu())
        if self._on_gpu() and state["cuda_rng"] is not None:
            torch.cuda.set_rng_state(state["cuda_rng"].cpu(), self.device)
        self.rng.bit_generator.state = json.loads(state["numpy_rng"])

    def note(self, losses: GanLosses) -> str:
        """The losses of both networks."""
        return f"D {losses.discriminator:.3f} G {losses.generator:.3f}"

    def _on_gpu(self) -> bool:
        return torch.device(self.device).type == "cuda"
