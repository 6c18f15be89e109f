"""The InceptionV3 that FID is defined with: pytorch-fid's layers, the 2015-12-05 TensorFlow weights, 2048 features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from bench_lipsync.harness.assets.lookup import asset_path
from bench_lipsync.harness.serialization.array_pickle import read_torchscript
from bench_lipsync.harness.serialization.weights import RefusedFileError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FidInception(nn.Module):
    """(N, 3, H, W) float RGB in [0, 1] to (N, 2048) features of the last pooling layer, as pytorch-fid has them."""

    def __init__(self) -> None:
        super().__init__()
        from pytorch_fid.inception import FIDInceptionA, FIDInceptionC, FIDInceptionE_1, FIDInceptionE_2
        from torchvision.models import inception_v3

        # pytorch-fid's own constructor downloads its weights; this is its architecture without that.
        base = inception_v3(num_classes=1008, aux_logits=False, weights=None, init_weights=False)
        self.layers = nn.Sequential(
            base.Conv2d_1a_3x3,
            base.Conv2d_2a_3x3,
            base.Conv2d_2b_3x3,
            nn.MaxPool2d(3, stride=2),
            base.Conv2d_3b_1x1,
            base.Conv2d_4a_3x3,
            nn.MaxPool2d(3, stride=2),
            FIDInceptionA(192, pool_features=32),
            FIDInceptionA(256, pool_features=64),
            FIDInceptionA(288, pool_features=64),
            base.Mixed_6a,
            FIDInceptionC(768, channels_7x7=128),
            FIDInceptionC(768, channels_7x7=160),
            FIDInceptionC(768, channels_7x7=160),
            FIDInceptionC(768, channels_7x7=192),
            base.Mixed_7a,
            FIDInceptionE_1(1280),
            FIDInceptionE_2(2048),
            nn.AdaptiveAvgPool2d(1),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Resize to 299x299 (bilinear, no antialiasing), scale to [-1, 1], and run the network."""
        resized = nn.functional.interpolate(images, size=(299, 299), mode="bilinear", align_corners=False)
        features: torch.Tensor = self.layers(2.0 * resized - 1.0)
        return features.flatten(1)


def load_inception(device: str = "cpu") -> FidInception:
    """The network with its real weights, frozen, in evaluation mode. Raises `AssetMissing`."""
    with torch.device("meta"):  # Nothing is initialised at random only to be thrown away.
        network = FidInception()
    arrays = read_torchscript(asset_path("inception_fid"))
    network.load_state_dict(_state_dict(network, arrays), strict=True, assign=True)
    return network.to(device).eval().requires_grad_(False)


def _state_dict(network: FidInception, arrays: dict[str, NDArray[np.float32]]) -> dict[str, torch.Tensor]:
    """The file's tensors renamed: both list the same 94 convolutions in the same order, without a learned scale."""
    sources = [key.removesuffix(".weight") for key in arrays if key.endswith(".weight")]
    targets = [key.removesuffix(".conv.weight") for key in network.state_dict() if key.endswith(".conv.weight")]
    if len(sources) != len(targets):
        raise RefusedFileError(f"inception_fid has {len(sources)} convolutions, expected {len(targets)}")
    state: dict[str, torch.Tensor] = {}
    for source, target in zip(sources, targets, strict=True):
        weight = torch.tensor(arrays[f"{source}.weight"])
        state[f"{target}.conv.weight"] = weight
        state[f"{target}.bn.weight"] = torch.ones(len(weight))
        state[f"{target}.bn.bias"] = torch.tensor(arrays[f"{source}.beta"])
        state[f"{target}.bn.running_mean"] = torch.tensor(arrays[f"{source}.mean"])
        state[f"{target}.bn.running_var"] = torch.tensor(arrays[f"{source}.var"])
        state[f"{target}.bn.num_batches_tracked"] = torch.tensor(0)
    return state
