"""Face encoder, fusion and decoder for inference on a CPU, one frame at a time (why: `models.stylegan2.inference`)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_lipsync.models.stylegan2.inference import BlockModulation, FastAffine, Modulation, fast_blocks
from bench_lipsync.models.stylegan2.network.layers import leaky_relu
from bench_lipsync.models.stylegan2.network.modulated_conv import EPSILON
from bench_lipsync.models.stylelipsync.network.blocks import DownBlock, Norm, SameBlock
from bench_lipsync.models.stylelipsync.network.face_encoder import FaceEncoder
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.network.samf import StandardFusion, StyleAwareMaskedFusion

_LARGEST = 1 << 24
"""Bytes that one convolution may write: the C library reuses blocks below 32 MiB and asks anew for those above."""


class _Convolution:
    """Convolution, norm and ReLU of an encoder block, then pooling where asked."""

    def __init__(self, block: SameBlock | DownBlock, dtype: torch.dtype) -> None:
        self._norm: Norm = block.norm
        self._weight = block.conv.weight.detach().to(dtype).contiguous(memory_format=torch.channels_last)
        bias = block.conv.bias
        self._bias = None if bias is None else bias.detach().to(dtype)
        self._padding = block.conv.kernel_size[0] // 2
        self._halve = isinstance(block, DownBlock)

    def __call__(self, x: Tensor) -> Tensor:
        outputs = len(self._weight)
        parts = 1
        # Channels are normalised one by one, so that they can be computed in parts.
        if self._norm.groups == outputs:
            parts = -(-outputs * x.shape[2] * x.shape[3] * x.element_size() // _LARGEST)
        step = -(-outputs // parts)
        done = [self._some(x, slice(first, first + step)) for first in range(0, outputs, step)]
        return done[0] if len(done) == 1 else torch.cat(done, dim=1)

    def _some(self, x: Tensor, part: slice) -> Tensor:
        weight = self._weight[part]
        x = F.conv2d(x, weight, None if self._bias is None else self._bias[part], padding=self._padding)
        groups = min(self._norm.groups, len(weight))
        x = F.group_norm(x, groups, self._norm.weight[part].to(x.dtype), self._norm.bias[part].to(x.dtype))
        x = F.relu_(x)
        return F.avg_pool2d(x, 2) if self._halve else x


class _Fusion:
    """`StyleAwareMaskedFusion`: its one-channel convolution is nine weighted sums of channels, shifted and added."""

    def __init__(self, fusion: StyleAwareMaskedFusion) -> None:
        self._affine = FastAffine(fusion.affine)
        self._power = fusion.weight.detach().float()[0].square().sum(dim=(1, 2))[:, None]
        self._taps = _taps(fusion.weight)
        self._bias = fusion.bias.detach().float()

    def modulation(self, w: Tensor) -> Modulation:
        styles = self._affine(w)
        return Modulation(styles, (styles.square() @ self._power + EPSILON).rsqrt())

    def __call__(self, x: Tensor, feature: Tensor, factors: Modulation) -> Tensor:
        taps = (self._taps * (factors.styles * factors.demodulation)).to(feature.dtype)
        sums = F.conv2d(feature, taps[:, :, None, None]).float()
        z = F.fold(sums.flatten(2), sums.shape[2:], kernel_size=3, padding=1)
        gate = torch.sigmoid(leaky_relu(z + self._bias))
        return x.lerp_(feature, gate.to(x.dtype))


class _StandardFusion(_Fusion):
    """`StandardFusion`: the same sums, which no style changes."""

    def __init__(self, fusion: StandardFusion) -> None:
        self._taps = _taps(fusion.conv.weight)
        assert fusion.conv.bias is not None  # noqa: S101
        self._bias = fusion.conv.bias.detach().float()

    def modulation(self, w: Tensor) -> Modulation:
        one = torch.ones(len(w), 1)
        return Modulation(one, one)


class FastDecoder:
    """`StyleLipSyncNet.decode` with constant noise, for networks on the CPU."""

    def __init__(self, net: StyleLipSyncNet, dtype: torch.dtype) -> None:
        encoder: FaceEncoder = net.face_encoder
        self._dtype = dtype
        self._stem = _convolution(encoder.f_enc0, dtype)
        self._levels = {size: _convolution(_part(encoder, "enc", i), dtype) for size, i in encoder.level.items()}
        self._fusions: dict[int, _Fusion] = {}
        if net.config.fusion != "sum":
            for size, index in encoder.level.items():
                fusion = _part(encoder, "mix", index)
                if isinstance(fusion, StandardFusion):
                    self._fusions[size] = _StandardFusion(fusion)
                else:
                    assert isinstance(fusion, StyleAwareMaskedFusion)  # noqa: S101
                    self._fusions[size] = _Fusion(fusion)
        self._blocks = fast_blocks(net.synthesis, dtype)

    def __call__(self, masked: Tensor, ws: Tensor) -> Tensor:
        """Frames (N, 3, R, R) from masked frames (N, 3, R, R) and latents (N, num_ws, w_dim).

        Factors are worked out frame by frame as well: a product with several rows rounds otherwise than with one, and
        a frame must not depend on how many go with it.
        """
        frames = torch.empty_like(masked, dtype=torch.float32, memory_format=torch.contiguous_format)
        for index in range(len(masked)):
            frames[index] = self.frame(masked[index : index + 1], *self._factors(ws[index : index + 1]))[0]
        return frames

    def _factors(self, ws: Tensor) -> tuple[dict[int, BlockModulation], dict[int, Modulation]]:
        """What one frame's latents (1, num_ws, w_dim) make of the weights of blocks and fusions, by resolution."""
        blocks: dict[int, BlockModulation] = {}
        fusions: dict[int, Modulation] = {}
        for level, (size, block) in enumerate(self._blocks.items()):
            own = ws[:, 0:2] if level == 0 else ws[:, 2 * level - 1 : 2 * level + 2]
            blocks[size] = block.modulation(own).frame(0)
            if size // 2 in self._fusions:
                fusions[size // 2] = self._fusions[size // 2].modulation(own[:, 0]).frame(0)
        return blocks, fusions

    def frame(self, masked: Tensor, blocks: dict[int, BlockModulation], fusions: dict[int, Modulation]) -> Tensor:
        """One frame (1, 3, R, R) from its masked frame and its factors by resolution."""
        features = self._encode(masked.to(self._dtype).contiguous(memory_format=torch.channels_last))
        x: Tensor | None = None
        image: Tensor | None = None
        for size, block in self._blocks.items():
            if x is not None:
                feature = features[size // 2]
                fusion = self._fusions.get(size // 2)
                x = x + feature if fusion is None else fusion(x, feature, fusions[size // 2])
            x, image = block(x, image, blocks[size])
        assert image is not None  # noqa: S101 - there is always a 4 px block
        return image

    def _encode(self, x: Tensor) -> dict[int, Tensor]:
        x = self._stem(x)
        features = {}
        for size, level in self._levels.items():
            x = features[size] = level(x)
        return features


def _taps(weight: Tensor) -> Tensor:
    """(9, I) of a (1, I, 3, 3) kernel, turned round: `fold` spreads a value where a convolution gathers it."""
    return weight.detach().float()[0].flatten(1).flip(1).t().contiguous()


def _part(encoder: FaceEncoder, kind: str, index: int) -> nn.Module:
    return encoder.get_submodule(f"f_{kind}{index}")


def _convolution(sequence: nn.Module, dtype: torch.dtype) -> _Convolution:
    block = next(sequence.children())
    assert isinstance(block, SameBlock | DownBlock)  # noqa: S101
    return _Convolution(block, dtype)
