"""Batch normalisation multiplied into the convolution before it: the same function, one pass over memory less.

Only for networks in evaluation mode. Folded in float64, so that values move by the rounding of float32 alone.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd


class Folded(NamedTuple):
    """Weight and bias of a convolution that also normalises."""

    weight: Tensor
    """As the convolution's own, float32."""
    bias: Tensor
    """(channels,) float32."""


def fold(convolution: _ConvNd, norm: _BatchNorm) -> Folded:
    """`norm(convolution(x))` as one convolution. Raises `ValueError` for a norm without running statistics."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("a norm without running statistics cannot be folded")
    scale = torch.rsqrt(norm.running_var.double() + norm.eps)
    shift = torch.zeros_like(scale) if norm.bias is None else norm.bias.double()
    if norm.weight is not None:
        scale = scale * norm.weight.double()
    bias = torch.zeros_like(scale) if convolution.bias is None else convolution.bias.double()
    weight = convolution.weight.double() * scale.reshape(-1, *[1] * (convolution.weight.ndim - 1))
    return Folded(weight.float(), ((bias - norm.running_mean.double()) * scale + shift).float())


def fold_inception(network: nn.Module) -> nn.Module:
    """`network` with the norms of all of torchvision's `BasicConv2d` folded, channels last, in place and frozen."""
    from torchvision.models.inception import BasicConv2d

    for block in network.modules():
        if isinstance(block, BasicConv2d):
            folded = fold(block.conv, block.bn)
            block.conv.weight = nn.Parameter(folded.weight)
            block.conv.bias = nn.Parameter(folded.bias)
            block.bn = nn.Identity()
    frozen: nn.Module = network.to(memory_format=torch.channels_last).requires_grad_(False)
    return frozen
