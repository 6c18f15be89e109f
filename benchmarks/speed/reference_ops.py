"""Decoder and face encoder by the arithmetic of the published code, in our own words: what speed is compared with.

The published implementation runs StyleGAN2-ADA's reference operations on a CPU: one modulated weight a sample in a
grouped convolution, resampling by zeros, padding and a grouped filter, bias and activation as separate steps, encoder
blocks of convolution, instance norm, ReLU and average pooling; a batch at once. Weights are a `StyleLipSyncNet`'s.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_lipsync.models.stylegan2.network.layers import FullyConnected, StyledConv, ToRGB
from bench_lipsync.models.stylelipsync.network.blocks import DownBlock
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.network.samf import StyleAwareMaskedFusion


def reference_decode(net: StyleLipSyncNet, masked: Tensor, ws: Tensor) -> Tensor:
    """What `net.decode(masked, ws)` gives, (N, 3, R, R); for networks as published (instance norm, with SaMF)."""
    features = _encode(net, masked)
    x = image = torch.empty(0)
    for level, size in enumerate(net.synthesis.resolutions):
        block: Any = net.synthesis.get_submodule(f"b{size}")
        own = ws[:, 0:2] if level == 0 else ws[:, 2 * level - 1 : 2 * level + 2]
        if level == 0:
            x = block.const.unsqueeze(0).repeat(len(ws), 1, 1, 1)
        else:
            fusion = net.face_encoder.get_submodule(f"f_mix{net.face_encoder.level[size // 2]}")
            x = _styled_conv(block.conv0, _fuse(fusion, x, features[size // 2], own[:, 0]), own[:, 0])
        x = _styled_conv(block.conv1, x, own[:, -2])
        rgb = _to_rgb(block.torgb, x, own[:, -1])
        image = rgb if level == 0 else upfirdn2d(image, block.resample_filter, up=2, padding=(2, 1), gain=4.0) + rgb
    return image


def upfirdn2d(x: Tensor, kernel: Tensor, up: int = 1, padding: tuple[int, int] = (0, 0), gain: float = 1.0) -> Tensor:
    """Insert `up - 1` zeros after every sample of `x` (N, C, H, W), pad both axes, filter each channel by `kernel`."""
    n, channels, height, width = x.shape
    x = x.reshape(n, channels, height, 1, width, 1)
    x = F.pad(x, [0, up - 1, 0, 0, 0, up - 1]).reshape(n, channels, height * up, width * up)
    x = F.pad(x, [padding[0], padding[1], padding[0], padding[1]])
    weight = (kernel * gain).to(x.dtype).flip([0, 1])[None, None].repeat(channels, 1, 1, 1)
    return F.conv2d(x, weight, groups=channels)


def modulated_conv2d(
    x: Tensor, weight: Tensor, styles: Tensor, demodulate: bool = True, up_filter: Tensor | None = None
) -> Tensor:
    """Convolve `x` (N, I, H, W) with one modulated weight a sample, all samples in one grouped convolution."""
    n, inputs = x.shape[:2]
    outputs, _, side, _ = weight.shape
    weights = weight.unsqueeze(0) * styles.reshape(n, 1, -1, 1, 1)
    if demodulate:
        factors = (weights.square().sum(dim=[2, 3, 4]) + 1e-8).rsqrt()
        weights = weights * factors.reshape(n, -1, 1, 1, 1)
    x = x.reshape(1, n * inputs, *x.shape[2:])
    if up_filter is None:
        x = F.conv2d(x, weights.reshape(n * outputs, inputs, side, side), padding=side // 2, groups=n)
    else:
        turned = weights.transpose(1, 2).reshape(n * inputs, outputs, side, side)
        x = F.conv_transpose2d(x, turned, stride=2, groups=n)
        x = upfirdn2d(x, up_filter, padding=(1, 1), gain=4.0)
    return x.reshape(n, outputs, *x.shape[2:])


def _affine(layer: FullyConnected, w: Tensor) -> Tensor:
    return torch.addmm(layer.bias.unsqueeze(0), w, (layer.weight * layer.gain).t())


def _bias_act(x: Tensor, bias: Tensor, active: bool) -> Tensor:
    x = x + bias.reshape(1, -1, 1, 1)
    return F.leaky_relu(x, 0.2) * math.sqrt(2.0) if active else x


def _styled_conv(layer: StyledConv, x: Tensor, w: Tensor) -> Tensor:
    up_filter = layer.resample_filter if layer.up else None
    x = modulated_conv2d(x, layer.weight, _affine(layer.affine, w), up_filter=up_filter)
    x = x.add_(layer.noise_const * layer.noise_strength)
    return _bias_act(x, layer.bias, active=True)


def _to_rgb(layer: ToRGB, x: Tensor, w: Tensor) -> Tensor:
    styles = _affine(layer.affine, w) * layer.gain
    return _bias_act(modulated_conv2d(x, layer.weight, styles, demodulate=False), layer.bias, active=False)


def _fuse(fusion: nn.Module, x: Tensor, feature: Tensor, w: Tensor) -> Tensor:
    assert isinstance(fusion, StyleAwareMaskedFusion)
    z = modulated_conv2d(feature, fusion.weight, _affine(fusion.affine, w))
    gate = torch.sigmoid(_bias_act(z, fusion.bias, active=True))
    return gate * feature + (1 - gate) * x


def _encode(net: StyleLipSyncNet, masked: Tensor) -> dict[int, Tensor]:
    encoder = net.face_encoder
    x = _block(encoder.f_enc0, masked)
    features = {}
    for size, index in encoder.level.items():
        x = features[size] = _block(encoder.get_submodule(f"f_enc{index}"), x)
    return features


def _block(sequence: nn.Module, x: Tensor) -> Tensor:
    block: Any = next(sequence.children())
    x = F.instance_norm(block.conv(x), weight=block.norm.weight, bias=block.norm.bias)
    x = F.relu(x)
    return F.avg_pool2d(x, kernel_size=(2, 2)) if isinstance(block, DownBlock) else x
