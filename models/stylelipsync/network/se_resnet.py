"""Residual block with squeeze-and-excitation (Hu et al., CVPR 2018), the unit of the audio encoder."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SqueezeExcitation(nn.Module):
    """Reweights channels by what their averages say about each other."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(channels // reduction, 1)
        self.fc = nn.Sequential(
            nn.Linear(channels, hidden, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Scale `x` (N, channels, H, W) by one factor in (0, 1) a channel."""
        factors: Tensor = self.fc(x.mean(dim=(2, 3)))
        return x * factors[:, :, None, None]


class SEBasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm and squeeze-and-excitation around a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.se = SqueezeExcitation(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H/stride, W/stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.se(self.bn2(self.conv2(x)))
        return F.relu(x + shortcut)


def stage(inputs: int, outputs: int, blocks: int, stride: int) -> nn.Sequential:
    """A stage of `blocks` blocks, the first of which has the stride."""
    first = SEBasicBlock(inputs, outputs, stride)
    return nn.Sequential(first, *(SEBasicBlock(outputs, outputs) for _ in range(blocks - 1)))
