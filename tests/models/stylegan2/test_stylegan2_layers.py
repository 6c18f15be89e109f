"""Modulated convolution and resampling against their definitions written out."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from bench_lipsync.models.stylegan2.network.modulated_conv import modulated_conv2d
from bench_lipsync.models.stylegan2.network.resample import binomial_filter, upsample2x
from bench_lipsync.models.stylegan2.network.synthesis import Synthesis


def modulated_weight(weight: torch.Tensor, style: torch.Tensor, demodulate: bool) -> torch.Tensor:
    weight = weight * style[None, :, None, None]
    return weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt() if demodulate else weight


def upfirdn(x: torch.Tensor) -> torch.Tensor:
    """Zeros between the samples, then the binomial filter with gain 4, aligned as StyleGAN2 aligns it."""
    n, c, h, w = x.shape
    spread = torch.zeros(n, c, 2 * h, 2 * w, dtype=x.dtype)
    spread[:, :, ::2, ::2] = x
    kernel = 4 * binomial_filter().to(x.dtype).expand(c, 1, 4, 4)
    return F.conv2d(F.pad(spread, (2, 1, 2, 1)), kernel, groups=c)


def test_modulation_equals_one_weight_a_sample() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 7, 7, dtype=torch.float64)
    weight = torch.randn(5, 3, 3, 3, dtype=torch.float64)
    styles = torch.randn(2, 3, dtype=torch.float64)
    for demodulate in (True, False):
        actual = modulated_conv2d(x, weight, styles, demodulate=demodulate)
        for sample in range(2):
            own = modulated_weight(weight, styles[sample], demodulate)
            expected = F.conv2d(x[sample : sample + 1], own, padding=1)
            torch.testing.assert_close(actual[sample : sample + 1], expected, rtol=1e-6, atol=1e-6)


def test_upsampling_equals_zero_insertion_and_filtering() -> None:
    x = torch.randn(2, 3, 5, 6, dtype=torch.float64)
    torch.testing.assert_close(upsample2x(x, binomial_filter()), upfirdn(x))


def test_upsampling_keeps_a_constant_inside() -> None:
    out = upsample2x(torch.ones(1, 1, 6, 6), binomial_filter())
    torch.testing.assert_close(out[:, :, 2:-2, 2:-2], torch.ones(1, 1, 8, 8))


def test_up_convolution_equals_zero_insertion_convolution_and_filtering() -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 3, 5, 5, dtype=torch.float64)
    weight = torch.randn(4, 3, 3, 3, dtype=torch.float64)
    actual = modulated_conv2d(
        x, weight, torch.ones(1, 3, dtype=torch.float64), demodulate=False, up_filter=binomial_filter()
    )
    spread = torch.zeros(1, 3, 10, 10, dtype=torch.float64)
    spread[:, :, ::2, ::2] = x
    # A true convolution (flipped weight) over the spread samples, then the filter.
    full = F.conv2d(F.pad(spread, (2, 1, 2, 1)), weight.flip(2, 3))
    expected = F.conv2d(F.pad(full, (1, 1, 1, 1)), 4 * binomial_filter().double().expand(4, 1, 4, 4), groups=4)
    torch.testing.assert_close(actual, expected)


def test_latents_overlap_by_one_between_blocks() -> None:
    torch.manual_seed(0)
    net = Synthesis(16, 4, {4: 3, 8: 3, 16: 3})
    assert net.num_ws == 6
    seen: dict[int, torch.Tensor] = {}

    def fuse(size: int, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        seen[size] = w
        return x

    ws = torch.randn(1, 6, 4)
    assert net(ws, fuse=fuse).shape == (1, 3, 16, 16)
    assert torch.equal(seen[8], ws[:, 1])
    assert torch.equal(seen[16], ws[:, 3])
