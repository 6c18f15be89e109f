"""Sizes of a StyleGAN2 generator; the defaults are those of the published 256 px decoder of StyleLipSync."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, field_validator


class PriorConfig(BaseModel):
    """Stored in the metadata of prior files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resolution: int = 256
    """Side of the images in pixels, a power of two from 8."""
    channel_base: int = 16384
    """`min(channel_base / pixels, channel_max)` channels at each resolution."""
    channel_max: int = 512
    w_dim: int = 512
    z_dim: int = 512
    mapping_layers: int = 8

    @field_validator("resolution")
    @classmethod
    def _power_of_two(cls, value: int) -> int:
        if value < 8 or value > 1024 or value & (value - 1):
            raise ValueError(f"resolution must be a power of two from 8 to 1024, not {value}")
        return value

    @property
    def resolutions(self) -> list[int]:
        """4, 8, ..., `resolution`."""
        return [2**power for power in range(2, self.resolution.bit_length())]

    @property
    def channels(self) -> dict[int, int]:
        """Channels by resolution."""
        return {size: min(self.channel_base // size, self.channel_max) for size in self.resolutions}
