"""Settings of the adaptation to one speaker. Ours, but for the losses, their weights and the number of steps.

The paper tunes the decoder "slightly" with the losses of training and 0.1 times a sync regulariser (eq. 9). The
learning rate is not known; 3,000 steps are read from the name of a published checkpoint.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bench_lipsync.harness.errors import validate
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.training.settings import DEMO, TrainSettings
from bench_lipsync.models.syncnet.settings import SyncLossName

_SAME = (
    "lambda_l2",
    "lambda_lpips",
    "lpips_net",
    "lpips_levels",
    "lambda_mouth",
    "lambda_inner",
    "lambda_tone",
    "face_cut",
)
"""Settings of the reconstruction loss, meant as in training."""


class AdaptSettings(BaseModel):
    """Defaults are for the published 256 px network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=3_000, ge=1)
    batch: int = Field(default=2, ge=1)
    """Windows of consecutive frames a step; each is also generated with foreign speech."""
    frames: int = Field(default=5, ge=5)
    """Frames of a window; the sync expert judges five at a time."""
    lr: float = Field(default=3e-4, gt=0)
    schedule: Literal["constant", "cosine"] = "cosine"
    """`cosine` falls to zero over `steps`. With `constant`, a longer adaptation begins with all shorter ones."""
    betas: tuple[float, float] = (0.9, 0.99)
    lambda_sync: float = Field(default=0.1, ge=0)
    """Synchrony with the footage's own audio, as in training."""
    lambda_reg: float = Field(default=0.1, ge=0)
    """R_sync, synchrony with foreign speech over the footage's frames: keeps the network from memorising the lips."""
    sync_loss: SyncLossName = "bce"
    """Form of both; `cosine` is the paper's (eq. 7 and 9)."""
    lambda_l2: float = 1.0
    lambda_lpips: float = 1.0
    lpips_net: Literal["alex", "vgg"] = "vgg"
    lpips_levels: int = Field(default=1, ge=1)
    lambda_mouth: float = 0.0
    lambda_inner: float = 0.0
    lambda_tone: float = 0.0
    face_cut: float = 0.0
    composite: bool = True
    """Whether frames are judged with the output pasted in, as they are shown."""
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 0
    save_every: int = Field(default=250, ge=1)

    def reconstruction(self, network: StyleLipSyncConfig) -> TrainSettings:
        """The same weights of the reconstruction loss as settings of training."""
        same = {name: getattr(self, name) for name in _SAME}
        return validate(
            TrainSettings, {"network": network, "lambda_sync": 0.0, **same}, "the adaptation's settings are not valid"
        )


PUBLISHED = AdaptSettings()
DEMO_ADAPT = AdaptSettings(
    steps=200,
    batch=1,
    lr=3e-3,
    precision=DEMO.precision,
    save_every=50,
    **{name: getattr(DEMO, name) for name in _SAME},
)
"""For networks up to 128 px: a few minutes on one CPU core."""


def preset(config: StyleLipSyncConfig) -> AdaptSettings:
    """The recipe for a network of this size."""
    return DEMO_ADAPT if config.resolution <= 128 else PUBLISHED
