"""Moving-average latent smoothing: neighbouring frames' latents are averaged, then refined along time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RADIUS = 3
"""A latent depends on this many neighbours on each side: one by averaging, one by each convolution."""


def moving_average(w: Tensor) -> Tensor:
    """Weights 1/4, 1/2, 1/4 along the last axis of `w` (..., T); the ends are repeated."""
    padded = F.pad(w, (1, 1), mode="replicate")
    return 0.25 * padded[..., :-2] + 0.5 * padded[..., 1:-1] + 0.25 * padded[..., 2:]


class MaLS(nn.Module):
    """Smoothing of one of the W+ latents: moving average, then two temporal convolutions."""

    def __init__(self, w_dim: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(w_dim, w_dim, 3, padding=1, padding_mode="reflect"),
            nn.LeakyReLU(0.1),
            nn.Conv1d(w_dim, w_dim, 3, padding=1, padding_mode="reflect"),
        )

    def forward(self, w: Tensor) -> Tensor:
        """Smooth `w` (B, T, w_dim) over time; T >= 2, because the convolutions pad by reflection."""
        smoothed: Tensor = self.conv(moving_average(w.transpose(1, 2)))
        return smoothed.transpose(1, 2)


def smooth(modules: nn.ModuleList, ws: Tensor) -> Tensor:
    """Apply module i to latent i of `ws` (B, T, num_ws, w_dim)."""
    if ws.shape[1] < 2:
        raise ValueError(f"MaLS needs at least 2 frames, not {ws.shape[1]}")
    return torch.stack([module(ws[:, :, index]) for index, module in enumerate(modules)], dim=2)
