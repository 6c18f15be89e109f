"""The reference encoder E_ref: one unmasked frame to the latent of the speaker's identity."""

from __future__ import annotations

from torch import Tensor, nn

from bench_lipsync.models.stylelipsync.network.blocks import DownResidualBlock, SameBlock
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig


class ReferenceEncoder(nn.Module):
    """Frames (N, 3, R, R) in [-1, 1] to latents (N, num_ws, w_dim)."""

    def __init__(self, config: StyleLipSyncConfig) -> None:
        super().__init__()
        self.shape = (config.num_ws, config.w_dim)
        channels = [config.reference_channels[size] for size in config.resolutions[::-1]]
        groups = config.norm_groups
        self.l_enc0 = nn.Sequential(SameBlock(3, channels[0], groups))
        self.depth = len(channels)
        for index in range(1, self.depth):
            block = DownResidualBlock(channels[index - 1], channels[index], groups)
            self.add_module(f"l_enc{index}", nn.Sequential(block))
        self.fcs = nn.Sequential(nn.Flatten(), nn.Linear(channels[-1] * 16, config.num_ws * config.w_dim))

    def forward(self, frames: Tensor) -> Tensor:
        """Encode every frame by itself."""
        x = frames
        for index in range(self.depth):
            x = self.get_submodule(f"l_enc{index}")(x)
        # Flattening goes by memory in channels-last runs, by channel in the published weights.
        codes: Tensor = self.fcs(x.contiguous())
        return codes.reshape(-1, *self.shape)
