"""Settings of the trainings of both sync networks, and the forms of the sync loss."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SyncLossName = Literal["bce", "cosine"]
"""How the expert judges a generator's output: -log of the probability of being in sync, or 1 - cosine (the paper)."""


class SyncSettings(BaseModel):
    """Everything that changes the weights, and how often they are saved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=3000, ge=1)
    seed: int = 0
    batch: int = Field(default=16, ge=2)
    """Stretches of different clips in a step."""
    frames: int = Field(default=20, ge=5)
    """Frames of a stretch; it has four windows less."""
    learning_rate: float = Field(default=1e-3, ge=1e-7)
    """At its highest."""
    weight_decay: float = 0.02
    warmup: int = 100
    gentle_until: int = 400
    """Step by which nine stretches in ten are fully augmented; the share grows evenly from none."""
    bf16: bool = False
    """Half-precision arithmetic; twice as fast on processors and GPUs that have it."""
    save_every: int = Field(default=100, ge=1)

    def rate(self, step: int) -> float:
        """Learning rate: linear warm-up, then half a cosine down to zero."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(self.steps - self.warmup, 1)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


class ExpertSettings(SyncSettings):
    """Of the sync expert."""

    frames: int = Field(default=12, ge=5)
    loss: Literal["calibrated", "contrastive"] = "calibrated"
    """`contrastive` is StyleTalker's: InfoNCE among the windows of a clip. `calibrated` (ours) also tells clips apart
    and makes probabilities of cosines, which the sync loss `bce` needs."""
    temperature: float = Field(default=0.07, gt=0)
    """Of the contrastive loss, by which cosines are divided; not published, ours."""


PRESETS: dict[str, SyncSettings] = {"open": SyncSettings(), "expert": ExpertSettings()}
"""Settings by network: the open SyncNet, which measures, and the sync expert, which judges in training."""
