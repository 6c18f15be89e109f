"""Networks made ready for measuring compute the published function: folded norms, SyncNet's lips in the plane."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from bench_lipsync.metrics.truth_cache import AudioCache
from bench_lipsync.models.backbones.fold_batchnorm import fold
from bench_lipsync.models.syncnet.published.lips import LipNetwork
from bench_lipsync.models.syncnet.published.network import SyncNet


def with_statistics(network: nn.Module) -> nn.Module:
    """`network` as after training: norms that do something."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.2, 3)
            if module.weight is not None:
                module.weight.data.uniform_(0.5, 2)
                module.bias.data.normal_()
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_folded_convolution_is_convolution_and_norm(bias: bool, affine: bool) -> None:
    pair = nn.Sequential(nn.Conv2d(3, 8, 3, bias=bias), nn.BatchNorm2d(8, affine=affine))
    with_statistics(pair)
    x = torch.randn(2, 3, 9, 9)
    torch.testing.assert_close(nn.functional.conv2d(x, *fold(pair[0], pair[1])), pair(x), rtol=1e-5, atol=1e-5)


def test_a_norm_without_statistics_is_refused() -> None:
    with pytest.raises(ValueError, match="running statistics"):
        fold(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False))


def test_lips_in_the_plane_are_the_published_ones() -> None:
    network = with_statistics(SyncNet())
    assert isinstance(network, SyncNet)
    fast = LipNetwork(network)
    frames = torch.randint(0, 256, (9, 224, 224, 3), dtype=torch.uint8)
    expected = network.embed_lips(frames.permute(3, 0, 1, 2).float())
    found = fast(frames)
    assert found.shape == (5, 1024)
    assert (found - expected).norm() / expected.norm() < 1e-5
    exact = network.double().embed_lips(frames.permute(3, 0, 1, 2).double())
    assert (found - exact).norm() < 2 * (expected - exact).norm(), "no further from the exact value than the published"


def test_a_sound_is_embedded_once() -> None:
    memory, calls = AudioCache(windows=10), []

    def embed() -> np.ndarray:
        calls.append(1)
        return np.ones((6, 2), np.float32)

    sound, other = np.arange(100, dtype=np.int16), np.arange(1, 101, dtype=np.int16)
    for _ in range(2):
        assert memory(sound, 6, embed).shape == (6, 2)
    assert len(calls) == 1
    memory(sound, 5, embed)
    memory(other, 6, embed)
    memory(other, 6, embed)
    assert len(calls) == 4, "another number of windows, and a sound for which there is no room"
