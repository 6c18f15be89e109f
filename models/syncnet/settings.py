"""Settings of the trainings of both sync networks."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, Field


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


PRESETS: dict[str, SyncSettings] = {"open": SyncSettings(), "expert": SyncSettings(frames=12)}
"""Settings by network: the open SyncNet, which measures, and the sync expert, which judges in training."""
