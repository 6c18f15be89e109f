"""Inference with a trained network: arithmetic that a CPU likes, bfloat16 and `torch.compile` as options.

`prepare_inference(net)` computes what `net` computes, up to rounding; docs/speed.md has what it is worth.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Literal, Protocol

import torch
from torch import Tensor

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.stylelipsync.inference.fast_decoder import FastDecoder
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet

Precision = Literal["fp32", "bf16"]
"""Arithmetic of face encoder and decoder; latents are always computed in float32."""
Wrapper = Callable[[Callable[..., Tensor]], Callable[..., Tensor]]
DTYPES: dict[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Decoder(Protocol):
    """Masked frames (N, 3, R, R) and latents (N, num_ws, w_dim) to frames (N, 3, R, R), float32, about [-1, 1]."""

    def __call__(self, masked: Tensor, ws: Tensor) -> Tensor:
        """Decode a batch."""
        ...


class Inference:
    """A network ready to generate. Make it anew when the weights have changed: some are copies, some are shared."""

    def __init__(self, net: StyleLipSyncNet, decoder: Decoder) -> None:
        self.config = net.config
        self.audio_encoder = net.audio_encoder
        self.lip_encoder = net.lip_encoder
        self.latents = net.latents
        self.combine = net.combine
        self._decoder = decoder

    def decode(self, masked: Tensor, ws: Tensor) -> Tensor:
        """Frames (N, 3, R, R), about [-1, 1], from masked frames (N, 3, R, R) and latents (N, num_ws, w_dim)."""
        with torch.inference_mode():
            return self._decoder(masked, ws)


def prepare_inference(net: StyleLipSyncNet, precision: Precision = "fp32", compiled: bool = False) -> Inference:
    """Make `net` ready on the device where it is, and put it into evaluation mode; the decoder's noise is constant.

    `compiled` runs the decoder through `torch.compile`, which takes a minute at its first frame. Raises `BenchError`
    for an unknown precision and where `compiled` finds no C++ compiler.
    """
    if precision not in DTYPES:
        raise BenchError(f"no precision {precision!r}; known: {', '.join(DTYPES)}")
    if compiled:
        _require_compiler()
    wrap: Wrapper = _compile if compiled else _as_it_is
    net = net.eval()
    if net.w_avg.device.type == "cpu":
        fast = FastDecoder(net, DTYPES[precision])
        fast.frame = wrap(fast.frame)  # type: ignore[method-assign]
        return Inference(net, fast)
    return Inference(net, _batch_decoder(net, precision, wrap))


def _batch_decoder(net: StyleLipSyncNet, precision: Precision, wrap: Wrapper) -> Decoder:
    """The whole batch at once, as accelerators like it; bfloat16 by autocast."""
    decode = wrap(net.decode)
    device = net.w_avg.device.type

    def run(masked: Tensor, ws: Tensor) -> Tensor:
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            return decode(masked, ws).float()

    return run


def _as_it_is(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return function


def _compile(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    compiled: Callable[..., Tensor] = torch.compile(function, dynamic=False)
    return compiled


def _require_compiler() -> None:
    name = os.environ.get("CXX", "g++")
    if shutil.which(name) is None:
        raise BenchError(
            f"compiled inference needs a C++ compiler, and {name!r} is not on the path: install one (Debian: "
            "`apt install g++`), name another in CXX, or leave `compiled` off"
        )
