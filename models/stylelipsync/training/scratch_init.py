"""Beginning from nothing: the published recipe starts from a trained decoder and needs none of this (ours)."""

from __future__ import annotations

import math
from typing import Any

from torch import nn

from bench_lipsync.models.stylegan2.network.layers import FullyConnected, StyledConv, ToRGB
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.network.samf import StyleAwareMaskedFusion

_EQUALISED = (FullyConnected, StyledConv, ToRGB, StyleAwareMaskedFusion)


def widen_codes(net: StyleLipSyncNet) -> None:
    """Let codes leave the encoders and pass MaLS with their variance kept, so that they matter from the first step.

    PyTorch's own beginning divides the variance by three at each layer.
    """
    layers: list[Any] = [net.lip_encoder.fcs[1], net.audio_encoder.audio_encoder.fc[2]]
    if net.config.mals:
        layers += [module for module in net.mals.modules() if isinstance(module, nn.Conv1d)]
    for layer in layers:
        nn.init.normal_(layer.weight, std=1.0 / math.sqrt(layer.weight[0].numel()))


def begin_grey(net: StyleLipSyncNet) -> None:
    """Let the first pictures be nearly grey.

    At unit size they are noise of three times a picture's contrast, and the quickest way for the decoder to be rid of
    it is to silence its own features, from which it hardly recovers.
    """
    for module in net.modules():
        if isinstance(module, ToRGB):
            nn.init.normal_(module.weight, std=0.1)


def equalised_parameters(net: StyleLipSyncNet) -> set[nn.Parameter]:
    """Parameters that StyleGAN2's layers hold at unit size and scale down when used; they want larger steps."""
    found = {parameter for name, parameter in net.named_parameters() if name == "synthesis.b4.const"}
    for module in net.modules():
        if isinstance(module, _EQUALISED):
            found.update(module.parameters(recurse=False))
    return found
