"""Convolution blocks of the two image encoders: normalised by group, halving by average pooling."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Norm(nn.Module):
    """Group norm with scale and shift; instance norm (one channel a group) where `groups` is 0."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.groups = groups or channels
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every group of channels of every sample of `x` (N, C, H, W)."""
        return F.group_norm(x, self.groups, self.weight.to(x.dtype), self.bias.to(x.dtype))


def halve(x: Tensor) -> Tensor:
    """2x2 average pooling of `x` (N, C, H, W), first over pairs of rows, then of columns.

    Written as sums of views because that is several times faster than pooling, above all backward and in bfloat16.
    """
    count, channels, height, width = x.shape
    rows = x.reshape(count, channels, height // 2, 2, width)
    pairs = (rows[:, :, :, 0] + rows[:, :, :, 1]).reshape(count, channels, height // 2, width // 2, 2)
    return (pairs[..., 0] + pairs[..., 1]) * 0.25


class SameBlock(nn.Module):
    """7x7 convolution, norm, ReLU at the same resolution."""

    def __init__(self, inputs: int, outputs: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 7, padding=3)
        self.norm = Norm(outputs, groups)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        return F.relu(self.norm(self.conv(x)))


class DownBlock(nn.Module):
    """3x3 convolution, norm, ReLU, then 2x2 average pooling."""

    def __init__(self, inputs: int, outputs: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = Norm(outputs, groups)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H/2, W/2)."""
        return halve(F.relu(self.norm(self.conv(x))))


class DownResidualBlock(DownBlock):
    """A `DownBlock` with a strided 1x1 shortcut, and ReLU after the sum."""

    def __init__(self, inputs: int, outputs: int, groups: int) -> None:
        super().__init__(inputs, outputs, groups)
        self.residual = nn.Conv2d(inputs, outputs, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H/2, W/2)."""
        return F.relu(super().forward(x) + self.residual(x))
