"""LPIPS, the perceptual distance network of Zhang et al. 2018, with the published weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bench_lipsync.harness.assets.lookup import asset_path
from bench_lipsync.harness.serialization.array_pickle import read_array_pickle

if TYPE_CHECKING:
    import torch

_BACKBONES = {"alex": "alexnet_lpips", "vgg": "vgg16_lpips"}


def load_lpips(net: Literal["alex", "vgg"] = "alex", device: str = "cpu") -> torch.nn.Module:
    """Load `lpips.LPIPS` version 0.1 with its published weights, frozen, in evaluation mode.

    Gradients flow to the inputs, so the network can be used as a loss.

    Args:
        net: Backbone: AlexNet, which the benchmark measures with, or VGG16, which its authors recommend as a loss.
        device: Torch device.

    Returns:
        Module from two batches (N, 3, H, W), float in [-1, 1], to distances (N, 1, 1, 1).

    Raises:
        AssetMissing: Without the backbone's weights. The linear heads come with the package `lpips`.

    """
    import lpips
    import torch

    arrays = read_array_pickle(asset_path(_BACKBONES[net]))
    with torch.device("meta"), warnings.catch_warnings():
        # On "meta" nothing is initialised at random only to be thrown away; torchvision warns about its old interface.
        warnings.simplefilter("ignore")
        model = lpips.LPIPS(pretrained=False, pnet_rand=True, net=net, version="0.1", verbose=False)
    heads = Path(lpips.__file__).parent / "weights" / "v0.1" / f"{net}.pth"
    state: dict[str, Any] = dict(torch.load(heads, map_location="cpu", weights_only=True))
    state |= {f"lins.{key[3:]}": value for key, value in state.items()}  # The module holds each head twice.
    state |= {key: value for key, value in model.state_dict().items() if key.startswith("scaling_layer.")}
    convolutions = [key for key in model.state_dict() if key.startswith("net.") and key.endswith(".weight")]
    kernels = sorted((key for key in arrays if _is_backbone(key, "kernel")), key=_number)
    for target, source in zip(convolutions, kernels, strict=True):
        kernel, bias = arrays[source], arrays[source.replace("kernel", "bias")]
        state[target] = torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)))
        state[target.replace("weight", "bias")] = torch.from_numpy(np.array(bias))
    model.load_state_dict(state, strict=True, assign=True)
    frozen: torch.nn.Module = model.to(device).eval().requires_grad_(False)
    return frozen


def _is_backbone(key: str, kind: str) -> bool:
    return key.endswith(f".{kind}") and not key.startswith("NetLinLayer")


def _number(key: str) -> int:
    """12 of `VGG16_0.Conv_12.kernel`."""
    return int(key.split(".")[-2].partition("_")[2])
