"""The face encoder E_face: a masked frame to one feature map for every decoder block above 4 px."""

from __future__ import annotations

from torch import Tensor, nn

from bench_lipsync.models.stylelipsync.network.blocks import DownBlock, SameBlock
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.samf import GatedFusion, StandardFusion, StyleAwareMaskedFusion


class FaceEncoder(nn.Module):
    """Encoder blocks `f_enc*` and, beside them, the fusion modules `f_mix*` that their features go through."""

    def __init__(self, config: StyleLipSyncConfig) -> None:
        super().__init__()
        sizes = config.resolutions[::-1]
        self.f_enc0 = nn.Sequential(SameBlock(3, config.channels[sizes[0]], config.norm_groups))
        self.level: dict[int, int] = {}
        """Index of the block that gives the features of a resolution."""
        for index in range(1, len(sizes)):
            inputs, outputs = config.channels[sizes[index - 1]], config.channels[sizes[index]]
            self.add_module(f"f_enc{index}", nn.Sequential(DownBlock(inputs, outputs, config.norm_groups)))
            if config.fusion != "sum":
                self.add_module(f"f_mix{index}", _fusion(config, outputs))
            self.level[sizes[index]] = index

    def forward(self, frames: Tensor) -> dict[int, Tensor]:
        """Masked frames (N, 3, R, R) in [-1, 1] to features (N, channels, r, r) by resolution r = R/2, ..., 4."""
        x = self.f_enc0(frames)
        features = {}
        for size, index in self.level.items():
            x = self.get_submodule(f"f_enc{index}")(x)
            features[size] = x
        return features

    def fuse(self, x: Tensor, feature: Tensor, w: Tensor) -> Tensor:
        """Bring `feature` into decoder features `x` of the same size; added where there is no fusion module."""
        name = f"f_mix{self.level[x.shape[-1]]}"
        if not hasattr(self, name):
            return x + feature.to(x.dtype)
        fused: Tensor = self.get_submodule(name)(x, feature, w)
        return fused


def _fusion(config: StyleLipSyncConfig, channels: int) -> GatedFusion:
    return StandardFusion(channels) if config.fusion == "standard" else StyleAwareMaskedFusion(channels, config.w_dim)
