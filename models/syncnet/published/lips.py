"""The lip half of the published SyncNet, computed in the plane: only its first layer looks along time.

That layer, over five frames of three channels, is a convolution over fifteen channels of one image; the others have
no extent in time. Plane convolutions over channels-last images, with the norms folded in, take half the time of the
published form and differ from it by rounding (`tests/models/syncnet/published/test_syncnet_lips.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench_lipsync.models.backbones.fold_batchnorm import fold
from bench_lipsync.models.syncnet.published.network import WINDOW_FRAMES, SyncNet


class LipNetwork(nn.Module):
    """(n + 4, 224, 224, 3) uint8 or float BGR frames to (n, 1024) embeddings, one for every window of five frames."""

    def __init__(self, network: SyncNet) -> None:
        super().__init__()
        layers = [_in_the_plane(layer) for layer in _pairs(list(network.netcnnlip))]
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last)
        self.head = network.netfclip
        self.eval().requires_grad_(False)

    def forward(self, frames: Tensor) -> Tensor:
        """The embeddings of `SyncNet.embed_lips`."""
        windows = len(frames) - WINDOW_FRAMES + 1
        stacked = torch.cat([frames[time : time + windows] for time in range(WINDOW_FRAMES)], dim=-1)
        features = self.layers(stacked.permute(0, 3, 1, 2).float())
        embeddings: Tensor = self.head(features[:, :, 0, 0])
        return embeddings


def _pairs(layers: Sequence[nn.Module]) -> list[tuple[nn.Module, ...]]:
    """Each convolution with its norm, everything else alone."""
    folded: list[tuple[nn.Module, ...]] = []
    for index, layer in enumerate(layers):
        if isinstance(layer, nn.Conv3d):
            folded.append((layer, layers[index + 1]))
        elif not isinstance(layer, nn.BatchNorm3d):
            folded.append((layer,))
    return folded


def _in_the_plane(layers: tuple[nn.Module, ...]) -> nn.Module:
    first = layers[0]
    if isinstance(first, nn.ReLU):
        return first
    if isinstance(first, nn.MaxPool3d):
        return nn.MaxPool2d(_plane(first.kernel_size), _plane(first.stride), _plane(first.padding))
    if isinstance(first, nn.Conv3d) and isinstance(layers[1], nn.BatchNorm3d):
        folded = fold(first, layers[1])
        weight = folded.weight.transpose(1, 2).flatten(1, 2)  # times by channels, as `forward` stacks the frames
        stride = _plane(first.stride)
        padding = _plane(first.padding) if not isinstance(first.padding, str) else first.padding
        flat = nn.Conv2d(weight.shape[1], weight.shape[0], _plane(first.kernel_size), stride, padding, device="meta")
        flat.weight, flat.bias = nn.Parameter(weight), nn.Parameter(folded.bias)
        return flat
    raise TypeError(f"the lip half of SyncNet has no {type(first).__name__}")


def _plane(size: int | tuple[int, ...]) -> tuple[int, int]:
    """Height and width of a size in time and space."""
    return (size, size) if isinstance(size, int) else (size[1], size[2])
