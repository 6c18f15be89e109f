"""Style-aware masked fusion: a one-channel map, modulated by the style, blends face features into the decoder.

`StandardFusion` is what the paper compares it with.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from bench_lipsync.models.stylegan2.network.layers import FullyConnected, leaky_relu
from bench_lipsync.models.stylegan2.network.modulated_conv import modulated_conv2d
from bench_lipsync.models.stylegan2.network.resample import binomial_filter


class GatedFusion(nn.Module, ABC):
    """`sigma * feature + (1 - sigma) * x` with a one-channel map sigma."""

    @abstractmethod
    def gate(self, feature: Tensor, w: Tensor) -> Tensor:
        """The map sigma (N, 1, h, w) in (0, 1) for `feature` (N, channels, h, w) under `w` (N, w_dim)."""

    def forward(self, x: Tensor, feature: Tensor, w: Tensor) -> Tensor:
        """Blend `feature` into `x`, both (N, channels, h, w)."""
        return torch.lerp(x, feature.to(x.dtype), self.gate(feature, w).to(x.dtype))


class StyleAwareMaskedFusion(GatedFusion):
    """`sigma = sigmoid(lrelu(modconv(feature, style) + bias))`.

    No mask goes in: that the map follows the mask is learned from the masked frame's features.
    """

    resample_filter: Tensor

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.affine = FullyConnected(w_dim, channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(1, channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(1))
        # Never used (nothing is resampled here), but the published checkpoint has it.
        self.register_buffer("resample_filter", binomial_filter())

    def gate(self, feature: Tensor, w: Tensor) -> Tensor:
        """The map sigma (N, 1, h, w) in (0, 1) for `feature` (N, channels, h, w) under `w` (N, w_dim)."""
        z = modulated_conv2d(feature, self.weight, self.affine(w))
        return torch.sigmoid(leaky_relu(z + self.bias.to(z.dtype)[:, None, None]))


class StandardFusion(GatedFusion):
    """The same gate without the style: `sigma = sigmoid(lrelu(conv(feature) + bias))`.

    The paper's "w/o SaMF": "standard convolutions" in the place of the modulated ones.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 1, 3, padding=1)

    def gate(self, feature: Tensor, w: Tensor) -> Tensor:
        """The map sigma (N, 1, h, w) in (0, 1) for `feature` (N, channels, h, w)."""
        return torch.sigmoid(leaky_relu(self.conv(feature)))
