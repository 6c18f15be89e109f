"""Layers of the synthesis network: equalised fully connected, styled convolution, and the projection to RGB."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_lipsync.models.stylegan2.network.modulated_conv import modulated_conv2d
from bench_lipsync.models.stylegan2.network.resample import binomial_filter

NoiseMode = Literal["const", "random", "none"]
"""Which noise a styled convolution adds: its stored plane, a fresh one, or nothing."""
SLOPE = 0.2
GAIN = math.sqrt(2.0)


def leaky_relu(x: Tensor) -> Tensor:
    """Leaky ReLU with slope 0.2, scaled by sqrt(2) so that it keeps the variance."""
    return F.leaky_relu(x, SLOPE) * GAIN


class FullyConnected(nn.Module):
    """Linear layer with equalised learning rate: weights are N(0, 1) and scaled by 1/sqrt(inputs) when used."""

    def __init__(self, inputs: int, outputs: int, bias_init: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.full((outputs,), bias_init))
        self.gain = 1.0 / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs) to (N, outputs)."""
        return F.linear(x, self.weight * self.gain, self.bias)


class StyledConv(nn.Module):
    """Modulated 3x3 convolution, noise, bias and leaky ReLU; doubles the resolution with `up`."""

    noise_const: Tensor
    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, w_dim: int, resolution: int, *, up: bool = False) -> None:
        super().__init__()
        self.up = up
        self.affine = FullyConnected(w_dim, inputs, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.register_buffer("resample_filter", binomial_filter())

    def forward(self, x: Tensor, w: Tensor, noise_mode: NoiseMode) -> Tensor:
        """Map `x` (N, inputs, h, w) under latents `w` (N, w_dim) to (N, outputs, resolution, resolution)."""
        up_filter = self.resample_filter if self.up else None
        x = modulated_conv2d(x, self.weight, self.affine(w), up_filter=up_filter)
        if noise_mode == "const":
            x = x + (self.noise_const * self.noise_strength).to(x.dtype)
        elif noise_mode == "random":
            noise = torch.randn(x.shape[0], 1, *x.shape[2:], device=x.device, dtype=x.dtype)
            x = x + noise * self.noise_strength.to(x.dtype)
        return leaky_relu(x + self.bias.to(x.dtype)[:, None, None])


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to three channels, without demodulation or activation."""

    def __init__(self, inputs: int, w_dim: int) -> None:
        super().__init__()
        self.affine = FullyConnected(w_dim, inputs, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(3, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.gain = 1.0 / math.sqrt(inputs)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Map `x` (N, inputs, h, w) under latents `w` (N, w_dim) to (N, 3, h, w)."""
        x = modulated_conv2d(x, self.weight, self.affine(w) * self.gain, demodulate=False)
        return x + self.bias.to(x.dtype)[:, None, None]
