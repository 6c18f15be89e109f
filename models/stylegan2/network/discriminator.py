"""The discriminator of StyleGAN2: residual blocks of halving resolution, minibatch standard deviation, one logit."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_lipsync.models.stylegan2.network.layers import FullyConnected, leaky_relu
from bench_lipsync.models.stylegan2.network.resample import binomial_filter, filter2d


class Convolution(nn.Module):
    """Equalised convolution: weights are N(0, 1) and scaled by 1/sqrt(fan in) when used. With `down` it halves the
    resolution, filtered first.
    """

    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, *, down: bool = False, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.gain = 1.0 / math.sqrt(inputs * kernel * kernel)
        self.down = down
        if down:
            self.register_buffer("resample_filter", binomial_filter())

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W), or to half of that size."""
        kernel = self.weight.shape[-1]
        weight = self.weight * self.gain
        if not self.down:
            return F.conv2d(x, weight, self.bias, padding=kernel // 2)
        if kernel == 1:
            # Filter and weights in one dense kernel: strided filters of single channels are slow to differentiate.
            return F.conv2d(x, weight * self.resample_filter, self.bias, padding=1, stride=2)
        return F.conv2d(filter2d(x, self.resample_filter, padding=2), weight, self.bias, stride=2)


class ResidualBlock(nn.Module):
    """Two convolutions and a shortcut, from (N, inputs, R, R) to (N, outputs, R/2, R/2)."""

    def __init__(self, inputs: int, outputs: int, *, from_rgb: bool) -> None:
        super().__init__()
        if from_rgb:
            self.fromrgb = Convolution(3, inputs, 1)
        self.from_rgb = from_rgb
        self.conv0 = Convolution(inputs, inputs, 3)
        self.conv1 = Convolution(inputs, outputs, 3, down=True)
        self.skip = Convolution(inputs, outputs, 1, down=True, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Halve the resolution of features, or of the image in the first block."""
        if self.from_rgb:
            x = leaky_relu(self.fromrgb(x))
        straight: Tensor = self.skip(x)
        convolved: Tensor = self.conv1(leaky_relu(self.conv0(x)))
        # Both ways have unit variance; the factor gives their sum the same.
        return (straight + leaky_relu(convolved)) * math.sqrt(0.5)


class Epilogue(nn.Module):
    """Features (N, C, 4, 4) to one logit per image."""

    def __init__(self, channels: int, group: int) -> None:
        super().__init__()
        self.group = group
        self.conv = Convolution(channels + 1, channels, 3)
        self.fc = FullyConnected(channels * 16, channels)
        self.out = FullyConnected(channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N,)."""
        x = torch.cat([x, minibatch_stddev(x, self.group)], dim=1)
        x = leaky_relu(self.fc(leaky_relu(self.conv(x)).flatten(1)))
        logits: Tensor = self.out(x)[:, 0]
        return logits


class Discriminator(nn.Module):
    """Pictures (N, 3, R, R) in [-1, 1] to logits (N,): positive is "real". Names as in published discriminators."""

    def __init__(self, resolution: int, channels: dict[int, int], group: int = 4) -> None:
        super().__init__()
        sizes = [2**power for power in range(resolution.bit_length() - 1, 2, -1)]
        self.sizes = sizes
        for size in sizes:
            block = ResidualBlock(channels[size], channels[size // 2], from_rgb=size == resolution)
            self.add_module(f"b{size}", block)
        self.b4 = Epilogue(channels[4], group)

    def forward(self, images: Tensor) -> Tensor:
        """Judge images; their number must be a multiple of the group, or smaller than it."""
        x = images
        for size in self.sizes:
            x = self.get_submodule(f"b{size}")(x)
        with torch.autocast(x.device.type, enabled=False):
            logits: Tensor = self.b4(x.float())
        return logits


def minibatch_stddev(x: Tensor, group: int) -> Tensor:
    """How much the images of a group differ: standard deviation over `group` samples of x (N, C, H, W), averaged over
    channels and places; a plane (N, 1, H, W). Sample i belongs to group i modulo N / group.
    """
    count, _, height, width = x.shape
    size = min(group, count)
    if count % size:
        raise ValueError(f"{count} images cannot be divided into groups of {size}")
    spread = x.reshape(size, count // size, -1)
    deviation = (spread.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=1)
    return deviation.repeat(size)[:, None, None, None].expand(count, 1, height, width)
