"""The denominator of the speed claim computes the same function as the network."""

from __future__ import annotations

import torch

from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from benchmarks.speed.reference_ops import reference_decode


@torch.inference_mode()
def test_equals_the_network() -> None:
    torch.manual_seed(0)
    config = StyleLipSyncConfig(resolution=32, channel_base=512, channel_max=16, w_dim=16)
    net = StyleLipSyncNet(config).eval()
    for name, parameter in net.named_parameters():
        if parameter.ndim <= 1 and "audio" not in name:
            parameter.add_(0.2 * torch.randn_like(parameter))
    masked, ws = torch.randn(3, 3, 32, 32).tanh(), torch.randn(3, config.num_ws, config.w_dim)
    torch.testing.assert_close(reference_decode(net, masked, ws), net.decode(masked, ws), rtol=1e-4, atol=1e-4)
