"""How the generator is trained: StyleGAN2-ADA's settings for 256 px faces, and the small recipe of the demo prior."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bench_lipsync.models.stylegan2.network.config import PriorConfig


class GanSettings(BaseModel):
    """Defaults are the published `paper256` configuration of StyleGAN2-ADA without augmentation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: PriorConfig = PriorConfig()
    discriminator_base: int = 16384
    """As the generator's `channel_base`, for the discriminator."""
    discriminator_max: int = 512
    kimg: float = Field(default=25_000.0, gt=0)
    """Thousands of real images shown in all."""
    batch: int = Field(default=64, ge=2)
    group: int = 8
    """Pictures that the minibatch standard deviation compares; divides the batch."""
    lr: float = Field(default=2.5e-3, ge=0)
    betas: tuple[float, float] = (0.0, 0.99)
    r1_gamma: float = Field(default=1.0, ge=0)
    r1_every: int = Field(default=16, ge=1)
    """Steps between two R1 penalties of the discriminator (lazy regularisation)."""
    path_weight: float = 2.0
    path_every: int = Field(default=4, ge=1)
    """Steps between two path length penalties of the generator."""
    path_decay: float = 0.01
    """How fast the target length follows."""
    path_shrink: int = Field(default=2, ge=1)
    """The path length is taken of one in so many images of the batch."""
    style_mixing: float = Field(default=0.9, ge=0, le=1)
    """How often a batch takes its upper layers' styles from a second z."""
    ema_kimg: float = 20.0
    """Half-life of the averaged generator in thousands of images."""
    ema_ramp: float = 0.0
    """Ours from StyleGAN2-ADA's `auto`: the half-life is at most this share of what has been seen; 0 is off."""
    share_fakes: bool = False
    """Ours: show the discriminator the images of the generator's own step instead of new ones; a tenth faster."""
    mirror: bool = True
    """Mirror half of the real images."""
    precision: Literal["fp32", "bf16"] = "bf16"
    """Ours: bfloat16 where the original has float16; both penalties stay in float32."""
    seed: int = 0
    save_every: int = Field(default=1000, ge=1)
    """Steps between two saves."""
    sheet_every: int = Field(default=1000, ge=1)
    """Steps between two sheets of samples."""

    @model_validator(mode="after")
    def _batch_divides_into_groups(self) -> GanSettings:
        if self.batch > self.group and self.batch % self.group:
            raise ValueError(f"a batch of {self.batch} cannot be divided into groups of {self.group}")
        return self

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return math.ceil(self.kimg * 1000 / self.batch)

    @property
    def discriminator_channels(self) -> dict[int, int]:
        """Channels of the discriminator by resolution."""
        sizes = self.network.resolutions
        return {size: min(self.discriminator_base // size, self.discriminator_max) for size in sizes}


DEMO_PRIOR = PriorConfig(resolution=128, channel_base=2048, channel_max=128, w_dim=128, z_dim=128, mapping_layers=2)
"""The decoder of the 128 px demo network (`models.stylelipsync.training.settings.DEMO_NETWORK`)."""

DEMO = GanSettings(
    network=DEMO_PRIOR,
    discriminator_base=2048,
    discriminator_max=128,
    kimg=26.0,
    batch=8,
    group=4,
    lr=3e-3,
    r1_gamma=0.5,
    path_every=8,
    ema_kimg=2.5,
    ema_ramp=0.05,
    share_fakes=True,
    save_every=250,
    sheet_every=250,
)
"""Half an hour on one CPU core, for the demo set."""

PRESETS: dict[str, GanSettings] = {"published": GanSettings(), "demo": DEMO}
"""Recipes by name."""
