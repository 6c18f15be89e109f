"""How StyleLipSync is trained: as the paper says, as the released options say, and as the demo checkpoint was."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.syncnet.settings import SyncLossName
from bench_lipsync.models.vision.mouth import CUT_SIZE

SYNC_FRAMES = 5
"""Frames that the sync expert sees at once."""
LPIPS_SIZE = 32
"""Side in pixels of the smallest picture that LPIPS is taken on: below it, networks run out of pixels."""


class TrainSettings(BaseModel):
    """Defaults are the options of the released code; where there is none the docstring says "ours"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: StyleLipSyncConfig = StyleLipSyncConfig()
    steps: int = Field(default=200_000, ge=1)
    batch: int = Field(default=8, ge=1)
    """Clips that go through the network at once, in every process."""
    accumulate: int = Field(default=1, ge=1)
    """Ours: batches whose gradients are added up to one step."""
    frames: int = 5
    """Consecutive frames of each clip."""
    lr: float = Field(default=1e-4, ge=0)
    lr_decoder: float | None = Field(default=None, ge=0)
    """Ours: learning rate of StyleGAN2's unit-size weights (decoder, SaMF); `None` is `lr`."""
    betas: tuple[float, float] = (0.9, 0.99)
    schedule: Literal["constant", "cosine"] = "constant"
    """Ours: `cosine` falls to zero over `steps` after a warm-up."""
    warmup: int = 0
    """Ours: steps over which the learning rate rises."""
    lambda_l2: float = 1.0
    lambda_lpips: float = 1.0
    lpips_net: Literal["alex", "vgg"] = "vgg"
    """Ours: which one was used is not known; its authors recommend VGG as a loss."""
    lpips_levels: int = Field(default=1, ge=1)
    """Levels of the pyramid that LPIPS on the frame is added up over, each half as large as the one before: 3 in the
    paper."""
    lambda_sync: float = Field(default=0.1, ge=0)
    """Synchrony, judged by the sync expert (`models.syncnet.expert.network`) on the same frames; 0 leaves it out."""
    sync_loss: SyncLossName = "bce"
    """Form of the sync loss; `cosine` is the paper's, `bce` is ours."""
    sync_start: int = Field(default=0, ge=0)
    """Ours: the step from which synchrony counts; before it the expert is not asked."""
    lambda_mouth: float = 0.0
    """Ours: weight of L2 and LPIPS on the mouth, cut out and enlarged, relative to those on the frame."""
    lambda_inner: float = 0.0
    """Ours: further weight of L2 on the middle half of the mouth's cut (opening and teeth)."""
    lambda_tone: float = 0.0
    """Ours: weight of the distance of colours averaged over 1/16 of the frame's side, against wrong skin tones."""
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
    """Ours: change gain and offset of the colours of a sample, frames and reference alike, by up to this much."""
    gamma: float = 0.0
    """Ours: raise the lightness of a sample to a power between exp(-this) and exp(this)."""
    reference_gap: int = 0
    """Ours: frames around the window from which the reference is not drawn (where the clip is long enough)."""
    ema: float = 0.999
    """Ours: the saved weights are a moving average with this factor."""
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 0
    save_every: int = Field(default=5000, ge=1)
    sheet_every: int = Field(default=5000, ge=1)
    """Steps between sheets of validation clips."""
    validate_every: int = Field(default=5000, ge=0)
    """Steps between measurements on held-out identities; 0 is never."""
    validate_clips: int = 8
    """Held-out clips that are measured."""

    @model_validator(mode="after")
    def _lpips_sees_enough(self) -> TrainSettings:
        side = (CUT_SIZE if self.face_cut else self.network.resolution) >> (self.lpips_levels - 1)
        if self.lpips_levels > 1 and side < LPIPS_SIZE:
            raise ValueError(
                f"the last of lpips_levels={self.lpips_levels} has {side} px; at least {LPIPS_SIZE} are needed"
            )
        return self

    @model_validator(mode="after")
    def _sync_sees_enough(self) -> TrainSettings:
        if self.lambda_sync > 0 and self.frames < SYNC_FRAMES:
            raise ValueError(
                f"the sync expert judges {SYNC_FRAMES} frames at a time, so that frames={self.frames} "
                "goes only with lambda_sync=0"
            )
        return self


PAPER = TrainSettings(lambda_l2=0.0, lambda_lpips=10.0, lpips_levels=3, sync_loss="cosine")
"""Equations 6 to 8 of the paper: 10 * LPIPS at three scales + 0.1 * (1 - cosine), no L2. What it does not say (steps,
batch, LPIPS's network) is that of the released options."""

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
    centred=True,
)
"""The 128 px network of the demo checkpoint: about 5 million parameters."""

DEMO = TrainSettings(
    network=DEMO_NETWORK,
    steps=2_400,
    batch=4,
    frames=5,
    lr=1e-3,
    lr_decoder=1e-2,
    schedule="cosine",
    warmup=50,
    lambda_l2=12.0,
    lpips_net="alex",
    lambda_sync=0.1,
    sync_start=300,
    lambda_mouth=1.0,
    lambda_tone=1.0,
    face_cut=2.2,
    composite=True,
    train_synthesis=True,
    noise="const",
    flip=True,
    colour=0.25,
    gamma=0.25,
    reference_gap=10,
    ema=0.995,
    precision="bf16",
    seed=1,
    save_every=250,
    sheet_every=400,
    validate_every=800,
    validate_clips=4,
)
"""The demo checkpoint: 128 px on one CPU core, from a small prior (`--init`) or from nothing."""

PRESETS: dict[str, TrainSettings] = {"paper": PAPER, "released": TrainSettings(), "demo": DEMO}
"""Recipes by name."""
