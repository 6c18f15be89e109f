"""The whole generator: mapping and synthesis, with style mixing and truncation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench_lipsync.models.stylegan2.network.config import PriorConfig
from bench_lipsync.models.stylegan2.network.layers import NoiseMode
from bench_lipsync.models.stylegan2.network.mapping import Mapping
from bench_lipsync.models.stylegan2.network.synthesis import Synthesis


class Generator(nn.Module):
    """z (N, z_dim) to images (N, 3, R, R), meant for [-1, 1]. Names as in published generators."""

    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config.z_dim, config.w_dim, config.mapping_layers)
        self.synthesis = Synthesis(config.resolution, config.w_dim, config.channels)

    def latents(self, z: Tensor, *, mixing: float = 0.0, track: bool = False) -> Tensor:
        """Latents (N, num_ws, w_dim) of z.

        With the probability `mixing` the whole batch takes another z above a random layer (style mixing). `track`
        updates the running mean of w.
        """
        num_ws = self.synthesis.num_ws
        w: Tensor = self.mapping(z)
        if track:
            self.mapping.track(w)
        ws = w[:, None].repeat(1, num_ws, 1)
        if mixing and float(torch.rand(())) < mixing:
            cut = int(torch.randint(1, num_ws, ()))
            other = self.mapping(torch.randn_like(z))
            ws = torch.cat([ws[:, :cut], other[:, None].expand(-1, num_ws - cut, -1)], dim=1)
        return ws

    def forward(self, z: Tensor, psi: float = 1.0, noise_mode: NoiseMode = "const") -> Tensor:
        """Pictures of z, truncated by `psi`."""
        images: Tensor = self.synthesis(self.mapping.truncate(self.latents(z), psi), noise_mode)
        return images
