"""Anti-aliased resampling of StyleGAN2: a binomial filter over samples with zeros inserted between them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

BINOMIAL = (1.0, 3.0, 3.0, 1.0)
"""Taps of the filter that every StyleGAN2 generator uses."""


def binomial_filter() -> Tensor:
    """The 4x4 filter, float32, summing to one."""
    taps = torch.tensor(BINOMIAL)
    kernel = torch.outer(taps, taps)
    return kernel / kernel.sum()


def filter2d(x: Tensor, kernel: Tensor, padding: int, gain: float = 1.0) -> Tensor:
    """Filter every channel of `x` (N, C, H, W) with the symmetric `kernel` (k, k), zero-padded by `padding`."""
    channels = x.shape[1]
    weight = (kernel * gain).to(x.dtype).expand(channels, 1, *kernel.shape)
    return F.conv2d(x, weight, padding=padding, groups=channels)


def upsample2x(x: Tensor, kernel: Tensor) -> Tensor:
    """Double the height and width of `x` (N, C, H, W): zeros between the samples, then `kernel` with gain 4."""
    channels = x.shape[1]
    weight = (kernel * 4.0).to(x.dtype).expand(channels, 1, *kernel.shape)
    return F.conv_transpose2d(x, weight, stride=2, padding=1, groups=channels)
