"""Convolution blocks of the two image encoders: instance-normalised, halving by average pooling."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SameBlock(nn.Module):
    """7x7 convolution, instance norm, ReLU at the same resolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 7, padding=3)
        self.norm = nn.InstanceNorm2d(outputs, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        return F.relu(self.norm(self.conv(x)))


class DownBlock(nn.Module):
    """3x3 convolution, instance norm, ReLU, then 2x2 average pooling."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.InstanceNorm2d(outputs, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H/2, W/2)."""
        return F.avg_pool2d(F.relu(self.norm(self.conv(x))), 2)


class DownResidualBlock(DownBlock):
    """A `DownBlock` with a strided 1x1 shortcut, and ReLU after the sum."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.residual = nn.Conv2d(inputs, outputs, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H/2, W/2)."""
        return F.relu(super().forward(x) + self.residual(x))
