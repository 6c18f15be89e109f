"""I3D on RGB (Carreira and Zisserman 2017), trained on Kinetics-400: the network that FVD is defined with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench_lipsync.harness.serialization.array_pickle import read_array_pickle
from bench_lipsync.harness.serialization.weights import RefusedFileError

CLASSES = 400
SIDE = 224


class _Widths(NamedTuple):
    """Channels of an inception module: straight, reduced and 3x3x3 twice, pooled."""

    straight: int
    reduce_1: int
    wide_1: int
    reduce_2: int
    wide_2: int
    pooled: int


_MIXED = {
    "Mixed_3b": _Widths(64, 96, 128, 16, 32, 32),
    "Mixed_3c": _Widths(128, 128, 192, 32, 96, 64),
    "Mixed_4b": _Widths(192, 96, 208, 16, 48, 64),
    "Mixed_4c": _Widths(160, 112, 224, 24, 64, 64),
    "Mixed_4d": _Widths(128, 128, 256, 24, 64, 64),
    "Mixed_4e": _Widths(112, 144, 288, 32, 64, 64),
    "Mixed_4f": _Widths(256, 160, 320, 32, 128, 128),
    "Mixed_5b": _Widths(256, 160, 320, 32, 128, 128),
    "Mixed_5c": _Widths(384, 192, 384, 48, 128, 128),
}


class _Same(nn.Module):
    """Padding as TensorFlow's `SAME`: outputs are ceil(n / stride) long, and an odd pixel goes to the end."""

    def __init__(self, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pad the last three axes; features after ReLU are not negative, so zeros serve pooling too."""
        padding: list[int] = []
        for length, kernel, stride in zip(x.shape[:1:-1], self.kernel[::-1], self.stride[::-1], strict=True):
            total = max(0, (-(-length // stride) - 1) * stride + kernel - length)
            padding += [total // 2, total - total // 2]
        return nn.functional.pad(x, padding)


def _unit(before: int, after: int, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> nn.Sequential:
    convolution = nn.Conv3d(before, after, kernel, stride, bias=False)
    return nn.Sequential(_Same(kernel, stride), convolution, nn.BatchNorm3d(after, eps=1e-3), nn.ReLU())


def _pool(kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> nn.Sequential:
    return nn.Sequential(_Same(kernel, stride), nn.MaxPool3d(kernel, stride))


class _Mixed(nn.Module):
    def __init__(self, before: int, widths: _Widths) -> None:
        super().__init__()
        one, three = (1, 1, 1), (3, 3, 3)
        self.branches = nn.ModuleDict(
            {
                "Branch_0/Conv3d_0a_1x1": _unit(before, widths.straight, one, one),
                "Branch_1/Conv3d_0a_1x1": _unit(before, widths.reduce_1, one, one),
                "Branch_1/Conv3d_0b_3x3": _unit(widths.reduce_1, widths.wide_1, three, one),
                "Branch_2/Conv3d_0a_1x1": _unit(before, widths.reduce_2, one, one),
                "Branch_2/Conv3d_0b_3x3": _unit(widths.reduce_2, widths.wide_2, three, one),
                "Branch_3/Conv3d_0b_1x1": _unit(before, widths.pooled, one, one),
            }
        )
        self.pool = _pool(three, one)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Four branches side by side."""
        units = list(self.branches.values())
        return torch.cat([units[0](x), units[2](units[1](x)), units[4](units[3](x)), units[5](self.pool(x))], dim=1)


class I3D(nn.Module):
    """(N, 3, T, 224, 224) float RGB in [-1, 1], T >= 16, to (N, 400) logits averaged over time."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(
            {
                "Conv3d_1a_7x7": _unit(3, 64, (7, 7, 7), (2, 2, 2)),
                "MaxPool3d_2a_3x3": _pool((1, 3, 3), (1, 2, 2)),
                "Conv3d_2b_1x1": _unit(64, 64, (1, 1, 1), (1, 1, 1)),
                "Conv3d_2c_3x3": _unit(64, 192, (3, 3, 3), (1, 1, 1)),
                "MaxPool3d_3a_3x3": _pool((1, 3, 3), (1, 2, 2)),
            }
        )
        before = 192
        pools = {"Mixed_3c": ("MaxPool3d_4a_3x3", (3, 3, 3)), "Mixed_4f": ("MaxPool3d_5a_2x2", (2, 2, 2))}
        for name, widths in _MIXED.items():
            self.layers[name] = _Mixed(before, widths)
            before = widths.straight + widths.wide_1 + widths.wide_2 + widths.pooled
            if name in pools:
                pool, kernel = pools[name]
                self.layers[pool] = _pool(kernel, (2, 2, 2))
        self.mean = nn.AvgPool3d((2, 7, 7), stride=1)
        self.logits = nn.Conv3d(before, CLASSES, 1)

    def forward(self, videos: torch.Tensor) -> torch.Tensor:
        """Logits (N, 400), the mean over the steps in time that are left."""
        x = videos
        for layer in self.layers.values():
            x = layer(x)
        logits: torch.Tensor = self.logits(self.mean(x))
        return logits.mean(dim=(2, 3, 4))


def load_i3d(path: Path, device: str = "cpu") -> I3D:
    """The network with the weights of `i3d-kinetics-400.ckpt`, frozen. Raises `RefusedFileError` for other files."""
    with torch.device("meta"):  # Nothing is initialised at random only to be thrown away.
        network = I3D()
    arrays = read_array_pickle(path)
    try:
        network.load_state_dict(_state_dict(network, arrays), strict=True, assign=True)
    except (KeyError, RuntimeError) as error:
        raise RefusedFileError(f"{path} does not hold I3D's weights: {error}") from error
    return network.to(device).eval().requires_grad_(False)


def _state_dict(network: I3D, arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, torch.Tensor]:
    """The file's arrays under the network's names; its normalisation has a shift and no learned scale."""
    state = {"logits.weight": _kernel(arrays["params.Logits/Conv3d_0c_1x1.Conv_0.kernel"])}
    state["logits.bias"] = _tensor(arrays["params.Logits/Conv3d_0c_1x1.Conv_0.bias"])
    for key in network.state_dict():
        if not key.endswith(".1.weight"):
            continue
        target = key.removesuffix(".1.weight")
        source = target.removeprefix("layers.").replace(".branches.", ".")
        state[key] = _kernel(arrays[f"params.{source}.Conv_0.kernel"])
        bias = _tensor(arrays[f"params.{source}.BatchNorm_0.bias"])
        state |= {f"{target}.2.weight": torch.ones_like(bias), f"{target}.2.bias": bias}
        state[f"{target}.2.running_mean"] = _tensor(arrays[f"batch_stats.{source}.BatchNorm_0.mean"])
        state[f"{target}.2.running_var"] = _tensor(arrays[f"batch_stats.{source}.BatchNorm_0.var"])
        state[f"{target}.2.num_batches_tracked"] = torch.tensor(0)
    return state


def _kernel(array: NDArray[np.generic]) -> torch.Tensor:
    """Time, height, width, in, out to out, in, time, height, width."""
    return torch.from_numpy(np.ascontiguousarray(array.transpose(4, 3, 0, 1, 2)))


def _tensor(array: NDArray[np.generic]) -> torch.Tensor:
    return torch.from_numpy(np.array(array).reshape(-1))
