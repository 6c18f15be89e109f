"""How StyleLipSync is trained: the published recipe as defaults, and the small recipe of the demo checkpoint."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from models.stylelipsync.config import StyleLipSyncConfig


class TrainSettings(BaseModel):
    """Defaults are the published options; where none was published the docstring says "ours"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: StyleLipSyncConfig = StyleLipSyncConfig()
    steps: int = 200_000
    batch: int = 8
    """Clips a step."""
    frames: int = 5
    """Consecutive frames of each clip."""
    lr: float = 1e-4
    lr_decoder: float | None = None
    """Ours: learning rate of StyleGAN2's unit-size weights (decoder, SaMF); `None` is `lr`."""
    betas: tuple[float, float] = (0.9, 0.99)
    schedule: Literal["constant", "cosine"] = "constant"
    """Ours: `cosine` falls to zero over `steps` after a warm-up."""
    warmup: int = 0
    """Ours: steps over which the learning rate rises."""
    lambda_l2: float = 1.0
    lambda_lpips: float = 1.0
    lambda_mouth: float = 0.0
    """Ours: weight of the same two losses on the mouth, cut out and enlarged."""
    face_cut: float = 0.0
    """Ours: take LPIPS on a square this many times the mouth's instead of the whole frame; 0 is the whole frame."""
    composite: bool = False
    """Ours: compare the frame with the output pasted in, so that nothing is spent on what the mask keeps."""
    train_synthesis: bool = False
    """The paper freezes a pretrained decoder. Ours: begin with a random one and train it too."""
    noise: Literal["const", "random", "none"] = "random"
    """The decoder's noise in training; inference always uses `const`."""
    flip: bool = False
    """Ours: mirror half of the samples."""
    colour: float = 0.0
    """Ours: change gain and offset of the colours of a sample by up to this much."""
    ema: float = 0.999
    """Ours: the saved weights are a moving average with this factor."""
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 0
    save_every: int = 5000
    sheet_every: int = 5000
    """Steps between pictures of validation clips."""


DEMO_NETWORK = StyleLipSyncConfig(
    resolution=128,
    channel_base=2048,
    channel_max=128,
    w_dim=128,
    audio_widths=(32, 48, 64, 96),
    audio_blocks=(1, 1, 1, 1),
    reference_channel_base=1536,
    reference_channel_max=64,
    norm_groups=1,
)
"""The 128 px network of the demo checkpoint: about 5 million parameters."""

DEMO = TrainSettings(
    network=DEMO_NETWORK,
    steps=2_400,
    batch=4,
    frames=3,
    lr=1e-3,
    lr_decoder=1e-2,
    schedule="cosine",
    warmup=50,
    lambda_l2=12.0,
    lambda_mouth=1.0,
    face_cut=2.2,
    composite=True,
    train_synthesis=True,
    noise="const",
    flip=True,
    colour=0.1,
    ema=0.995,
    precision="bf16",
    save_every=250,
    sheet_every=250,
)
"""First stage of the demo checkpoint: 20 minutes on one CPU core."""

DEMO_COLOUR = DEMO.model_copy(update={"lr": 7e-4, "lr_decoder": 7e-3, "colour": 0.4, "seed": 2})
"""Second stage, begun from the first one's weights: strong changes of colour, so that skin is matched in new people."""

PRESETS: dict[str, TrainSettings] = {"published": TrainSettings(), "demo": DEMO, "demo-colour": DEMO_COLOUR}
"""Recipes by name."""
