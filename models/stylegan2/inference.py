"""The synthesis network's layers for inference on a CPU: one frame at a time, channels last, constants folded.

Same function as `models.stylegan2.network.layers`, other arithmetic. Convolutions run near the peak of the cores, so
what is left to save is around them:

* One frame keeps every intermediate small enough for the C library to hand the same memory out again; a batch's
  buffers come fresh from the system each time, and clearing their pages takes longer than computing on them.
* Where the weight is smaller than the image, the style and the demodulation go into the weight; else around the
  convolution, as in `modulated_conv`.
* The activation's gain is taken in before it (it is homogeneous), and sums of weights are formed once.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from bench_lipsync.models.stylegan2.network.layers import GAIN, SLOPE, FullyConnected, StyledConv, ToRGB
from bench_lipsync.models.stylegan2.network.modulated_conv import EPSILON
from bench_lipsync.models.stylegan2.network.resample import BINOMIAL, binomial_filter, upsample2x
from bench_lipsync.models.stylegan2.network.synthesis import Synthesis, SynthesisBlock


class Modulation(NamedTuple):
    """Factors of one layer for all frames, float32."""

    styles: Tensor
    """(N, I): of input channels."""
    demodulation: Tensor
    """(N, O): of output channels; the activation's gain is in it. Empty (N, 0) where a layer has neither."""

    def frame(self, index: int) -> Modulation:
        """Of one frame, each (1, channels)."""
        return Modulation(self.styles[index : index + 1], self.demodulation[index : index + 1])


class FastAffine:
    """`FullyConnected` with its gain folded into the weight."""

    def __init__(self, layer: FullyConnected, gain: float = 1.0) -> None:
        self._weight = layer.weight.detach().float() * (layer.gain * gain)
        self._bias = layer.bias.detach().float() * gain

    def __call__(self, w: Tensor) -> Tensor:
        """Map (N, inputs) to (N, outputs)."""
        return F.linear(w, self._weight, self._bias)


class FastStyledConv:
    """`StyledConv` with its constant noise; `dtype` is that of activations, factors are always float32."""

    def __init__(self, layer: StyledConv, dtype: torch.dtype) -> None:
        weight = layer.weight.detach().float()
        resolution = layer.noise_const.shape[-1]
        outputs, inputs = weight.shape[:2]
        self._up = layer.up
        self._affine = FastAffine(layer.affine)
        self._power = weight.square().sum(dim=(2, 3)).t().contiguous()
        pixels = (resolution // 2) ** 2 if self._up else resolution**2
        self._into_weight = weight.numel() <= inputs * pixels
        if self._up:
            weight = weight.transpose(0, 1)
        # Modulated in float32 and then rounded once, or rounded now.
        weight = weight if self._into_weight else weight.to(dtype)
        self._weight = weight.contiguous(memory_format=torch.channels_last)
        self._bias = (layer.bias.detach().float() * GAIN).to(dtype)
        self._noise = (layer.noise_const * layer.noise_strength * GAIN).detach().to(dtype)
        self._blur = (binomial_filter() * 4.0).to(dtype).expand(outputs, 1, len(BINOMIAL), len(BINOMIAL)).contiguous()

    def modulation(self, w: Tensor) -> Modulation:
        """Factors for latents `w` (N, w_dim)."""
        styles = self._affine(w)
        return Modulation(styles, (styles.square() @ self._power + EPSILON).rsqrt() * GAIN)

    def __call__(self, x: Tensor, factors: Modulation) -> Tensor:
        """One frame's features (1, inputs, h, w) to (1, outputs, resolution, resolution), channels last."""
        styles, gains = factors
        if self._into_weight:
            ends = styles.t() * gains if self._up else gains.t() * styles
            weight = (self._weight * ends[:, :, None, None]).to(x.dtype)
            x = self._convolve(x, weight)
        else:
            x = self._convolve(x * styles[:, :, None, None].to(x.dtype), self._weight)
            x = x.mul_(gains[:, :, None, None].to(x.dtype))
        if self._up:
            x = F.conv2d(x, self._blur, self._bias, padding=1, groups=x.shape[1])
        else:
            x = x.add_(self._bias[:, None, None])
        return F.leaky_relu_(x.add_(self._noise), SLOPE)

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.conv_transpose2d(x, weight, stride=2) if self._up else F.conv2d(x, weight, padding=1)


class FastToRGB:
    """`ToRGB`; its image is float32 whatever the features are."""

    def __init__(self, layer: ToRGB) -> None:
        self._affine = FastAffine(layer.affine, layer.gain)
        self._weight = layer.weight.detach().float()
        self._bias = layer.bias.detach().float()

    def modulation(self, w: Tensor) -> Modulation:
        """Factors for latents `w` (N, w_dim)."""
        return Modulation(self._affine(w), w.new_empty(len(w), 0))

    def __call__(self, x: Tensor, factors: Modulation) -> Tensor:
        """One frame's features (1, inputs, h, w) to RGB (1, 3, h, w)."""
        weight = (self._weight * factors.styles[:, :, None, None]).to(x.dtype)
        return F.conv2d(x, weight).float() + self._bias[:, None, None]


class BlockModulation(NamedTuple):
    """Factors of a block's layers for all frames; `conv0` is `None` in the block of 4 px."""

    conv0: Modulation | None
    conv1: Modulation
    torgb: Modulation

    def frame(self, index: int) -> BlockModulation:
        """Of one frame."""
        first = None if self.conv0 is None else self.conv0.frame(index)
        return BlockModulation(first, self.conv1.frame(index), self.torgb.frame(index))


class FastBlock:
    """`SynthesisBlock` for one frame."""

    def __init__(self, block: SynthesisBlock, dtype: torch.dtype) -> None:
        self._const: Tensor | None = None
        self._conv0: FastStyledConv | None = None
        if block.first:
            self._const = block.const.detach()[None].to(dtype).contiguous(memory_format=torch.channels_last)
        else:
            self._conv0 = FastStyledConv(block.conv0, dtype)
        self._conv1 = FastStyledConv(block.conv1, dtype)
        self._torgb = FastToRGB(block.torgb)
        self._filter = binomial_filter()

    def modulation(self, ws: Tensor) -> BlockModulation:
        """Factors for the block's latents (N, 2 or 3, w_dim)."""
        first = None if self._conv0 is None else self._conv0.modulation(ws[:, 0])
        return BlockModulation(first, self._conv1.modulation(ws[:, -2]), self._torgb.modulation(ws[:, -1]))

    def __call__(self, x: Tensor | None, image: Tensor | None, factors: BlockModulation) -> tuple[Tensor, Tensor]:
        """Features (1, outputs, R, R) and the image so far (1, 3, R, R) of one frame."""
        if self._conv0 is not None and x is not None and factors.conv0 is not None:
            x = self._conv0(x, factors.conv0)
        else:
            x = self._const
        assert x is not None  # noqa: S101 - a block has a constant or a first convolution
        x = self._conv1(x, factors.conv1)
        rgb = self._torgb(x, factors.torgb)
        return x, rgb if image is None else upsample2x(image, self._filter) + rgb


def fast_blocks(synthesis: Synthesis, dtype: torch.dtype) -> dict[int, FastBlock]:
    """The blocks by resolution, ascending; weights are copied where layout or type differ."""
    blocks = {size: synthesis.get_submodule(f"b{size}") for size in synthesis.resolutions}
    return {size: FastBlock(block, dtype) for size, block in blocks.items() if isinstance(block, SynthesisBlock)}
