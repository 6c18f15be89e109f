"""What defines a StyleLipSync network: the defaults are the published model, and smaller ones are the same classes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator, model_validator


class StyleLipSyncConfig(BaseModel):
    """Sizes and switches of the network; stored in the metadata of our checkpoints."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resolution: int = 256
    """Side of the frames in pixels, a power of two from 16."""
    channel_base: int = 16384
    """Decoder and face encoder have `min(channel_base / pixels, channel_max)` channels at each resolution."""
    channel_max: int = 512
    w_dim: int = 512
    """Width of one latent."""
    audio_widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    """Channels of the four stages of the SE-ResNet."""
    audio_blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    """Residual blocks of each stage."""
    reference_channel_base: int = 16384
    """As `channel_base`, for the reference encoder."""
    reference_channel_max: int = 512
    norm_groups: int = 0
    """Groups of the image encoders' normalisation. 0 is instance norm, as published: one channel a group, which takes
    the colours of a frame away. 1 keeps them, so that a small network need not work them out (ours)."""
    centred: bool = False
    """Colours relative to the speaker's tone (`models.stylelipsync.network.tone`), so that few speakers in training are
    enough to match any skin (ours)."""
    mals: bool = True
    """Moving-average latent smoothing; without it every frame's latent stands alone."""
    fusion: Literal["samf", "standard", "sum"] = "samf"
    """How face features come into the decoder: style-aware masked fusion; for ablation its gate with a standard
    convolution in the place of the modulated one (the paper's "w/o SaMF"), or added without a gate (ours)."""
    mask: Literal["pose-aware", "landmark", "box", "half-frame"] = "pose-aware"
    """What is hidden from the face encoder: the posed lower face with a fixed jaw; for ablation the lower face with its
    true jaw, which gives the lips away, the lower half of the face's box (the paper's "w/o pose-aware mask", as
    Wav2Lip), or the lower half of the frame (ours)."""
    mesh: Literal["mediapipe", "bfm"] = "mediapipe"
    """Which predictor finds the mesh that masks are drawn from; `bfm` needs files that only their owners give out."""

    @model_validator(mode="before")
    @classmethod
    def _words_of_earlier_versions(cls, values: Any) -> Any:
        """Files with `samf` are older than `fusion`: without SaMF they added, and `box` hid half of the frame."""
        if not isinstance(values, dict) or "samf" not in values or "fusion" in values:
            return values
        others = {key: value for key, value in values.items() if key != "samf"}
        if others.get("mask") == "box":
            others["mask"] = "half-frame"
        return others | {"fusion": "samf" if values["samf"] else "sum"}

    @field_validator("resolution")
    @classmethod
    def _power_of_two(cls, value: int) -> int:
        if value < 16 or value > 1024 or value & (value - 1):
            raise ValueError(f"resolution must be a power of two from 16 to 1024, not {value}")
        return value

    @property
    def resolutions(self) -> list[int]:
        """4, 8, ..., `resolution`."""
        return [2**power for power in range(2, self.resolution.bit_length())]

    @property
    def num_ws(self) -> int:
        """Number of latents a frame: two for each resolution (14 at 256 px)."""
        return 2 * len(self.resolutions)

    @property
    def channels(self) -> dict[int, int]:
        """Channels of decoder and face encoder by resolution."""
        return {size: min(self.channel_base // size, self.channel_max) for size in self.resolutions}

    @property
    def reference_channels(self) -> dict[int, int]:
        """Channels of the reference encoder by resolution."""
        return {size: min(self.reference_channel_base // size, self.reference_channel_max) for size in self.resolutions}
