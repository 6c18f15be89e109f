"""The synthesis network: blocks of doubling resolution whose RGB outputs add up ("skip" architecture)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bench_lipsync.models.stylegan2.network.layers import NoiseMode, StyledConv, ToRGB
from bench_lipsync.models.stylegan2.network.resample import binomial_filter, upsample2x

Fuse = Callable[[int, Tensor, Tensor], Tensor]
"""`fuse(resolution, x, w)`: replaces what the block of `resolution` starts from, given its first latent `w`."""


class SynthesisBlock(nn.Module):
    """One resolution: the block of 4 px starts from a learned constant, the others from the block before."""

    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, w_dim: int, resolution: int) -> None:
        super().__init__()
        self.first = resolution == 4
        self.register_buffer("resample_filter", binomial_filter())
        if self.first:
            self.const = nn.Parameter(torch.randn(outputs, resolution, resolution))
        else:
            self.conv0 = StyledConv(inputs, outputs, w_dim, resolution, up=True)
        self.conv1 = StyledConv(outputs, outputs, w_dim, resolution)
        self.torgb = ToRGB(outputs, w_dim)

    def forward(self, x: Tensor | None, image: Tensor | None, ws: Tensor, mode: NoiseMode) -> tuple[Tensor, Tensor]:
        """Return features (N, outputs, R, R) and the image so far (N, 3, R, R); `ws` is (N, 2 or 3, w_dim)."""
        x = self.const.expand(ws.shape[0], *self.const.shape) if x is None else self.conv0(x, ws[:, 0], mode)
        x = self.conv1(x, ws[:, -2], mode)
        rgb = self.torgb(x, ws[:, -1]).float()
        return x, rgb if image is None else upsample2x(image, self.resample_filter) + rgb


class Synthesis(nn.Module):
    """Latents (N, num_ws, w_dim) to images (N, 3, resolution, resolution), unbounded but meant for [-1, 1]."""

    def __init__(self, resolution: int, w_dim: int, channels: dict[int, int]) -> None:
        super().__init__()
        self.resolutions = [2**power for power in range(2, resolution.bit_length())]
        self.num_ws = 2 * len(self.resolutions)
        for size in self.resolutions:
            inputs = channels.get(size // 2, 0)
            self.add_module(f"b{size}", SynthesisBlock(inputs, channels[size], w_dim, size))

    def forward(self, ws: Tensor, noise_mode: NoiseMode = "const", fuse: Fuse | None = None) -> Tensor:
        """Synthesise; `fuse` may change the features that every block above 4 px starts from."""
        x: Tensor | None = None
        image: Tensor | None = None
        for level, size in enumerate(self.resolutions):
            block = self.get_submodule(f"b{size}")
            # The latent of a block's toRGB is the first latent of the next block, so neighbours overlap by one.
            own = ws[:, 0:2] if level == 0 else ws[:, 2 * level - 1 : 2 * level + 2]
            if x is not None and fuse is not None:
                x = fuse(size, x, own[:, 0])
            x, image = block(x, image, own, noise_mode)
        assert image is not None  # noqa: S101 - there is always a 4 px block
        return image
