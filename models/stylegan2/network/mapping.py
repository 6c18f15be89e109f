"""The mapping network: a normal latent z to the intermediate latent w that the synthesis network is modulated with."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_lipsync.models.stylegan2.network.layers import leaky_relu

LR_MULTIPLIER = 0.01
"""Mapping layers learn this much slower than the rest (StyleGAN, appendix C)."""
W_AVG_DECAY = 0.995
"""Decay of the running mean of w, a training step."""
EPSILON = 1e-8


class MappingLayer(nn.Module):
    """Equalised linear layer and leaky ReLU; weights are stored 1 / `LR_MULTIPLIER` times larger than they act."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / LR_MULTIPLIER)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.gain = LR_MULTIPLIER / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs) to (N, outputs)."""
        return leaky_relu(F.linear(x, self.weight * self.gain, self.bias * LR_MULTIPLIER))


class Mapping(nn.Module):
    """z (N, z_dim) to w (N, w_dim) through `layers` layers, named as in published generators (`fc0`, `fc1`, ...)."""

    w_avg: Tensor

    def __init__(self, z_dim: int, w_dim: int, layers: int) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.layers = layers
        for index in range(layers):
            self.add_module(f"fc{index}", MappingLayer(z_dim if index == 0 else w_dim, w_dim))
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: Tensor) -> Tensor:
        """Map z, scaled to unit mean square, to w; always in float32."""
        with torch.autocast(z.device.type, enabled=False):
            x = normalise(z.float())
            for index in range(self.layers):
                x = self.get_submodule(f"fc{index}")(x)
        return x

    @torch.no_grad()
    def track(self, w: Tensor) -> None:
        """Move `w_avg` towards the mean of a batch of w (N, w_dim)."""
        self.w_avg.lerp_(w.detach().mean(dim=0), 1.0 - W_AVG_DECAY)

    def truncate(self, w: Tensor, psi: float) -> Tensor:
        """Pull w (..., w_dim) towards the mean: `psi` 1 changes nothing, 0 gives the mean."""
        return self.w_avg.lerp(w, psi)


def normalise(z: Tensor) -> Tensor:
    """Scale every row of z (N, z_dim) to unit mean square."""
    return z * (z.square().mean(dim=1, keepdim=True) + EPSILON).rsqrt()
