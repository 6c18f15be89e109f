"""How Wav2Lip is trained: the published recipe, and the small one of the demo checkpoint."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Wav2LipSettings(BaseModel):
    """Defaults are those of the authors' `hparams.py` and `wav2lip_train.py`, without the visual discriminator."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    divide: int = Field(default=1, ge=1, le=16)
    """Ours: every layer is this many times narrower, down to 16 channels."""
    steps: int = Field(default=300_000, ge=1)
    batch: int = Field(default=16, ge=1)
    """Clips a step."""
    frames: int = Field(default=5, ge=5)
    """Consecutive frames of each clip."""
    lr: float = Field(default=1e-4, gt=0)
    betas: tuple[float, float] = (0.5, 0.999)
    cosine: bool = False
    """Ours: the learning rate falls to zero over `steps`."""
    sync_weight: float = Field(default=0.03, ge=0, lt=1)
    """Share of synchrony in the loss; L1 has the rest. Judged by the project's sync expert, not the authors'."""
    sync_start: int = Field(default=100_000, ge=0)
    """Step from which synchrony counts. Published: once the expert's loss on held-out clips is below 0.75."""
    spread: bool = False
    """For small batches: until `sync_start` every image is of another clip (batch * frames of them). From then on,
    when a batch shows few speakers, batch norm keeps the statistics that it has."""
    momentum: float = Field(default=0.1, gt=0, le=1)
    """Of batch norm's running statistics."""
    seed: int = 0
    save_every: int = Field(default=3_000, ge=1)
    sheet_every: int = Field(default=3_000, ge=1)


DEMO = Wav2LipSettings(
    divide=4,
    steps=5_000,
    batch=4,
    lr=1e-3,
    cosine=True,
    sync_weight=0.005,
    sync_start=4_000,
    spread=True,
    momentum=0.02,
    seed=1,
    save_every=250,
    sheet_every=500,
)
"""A quarter of the width, on one CPU core."""

PRESETS: dict[str, Wav2LipSettings] = {"published": Wav2LipSettings(), "demo": DEMO}
"""Recipes by name."""
