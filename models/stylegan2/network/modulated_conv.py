"""Weight-modulated convolution (StyleGAN2, section 2.2), computed by scaling activations instead of weights.

Scaling input channels by the style and output channels by the demodulation factor equals convolving with one modulated
weight a sample, and needs one convolution a batch where the textbook form needs one a sample.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bench_lipsync.models.stylegan2.network.resample import filter2d

EPSILON = 1e-8


def modulated_conv2d(
    x: Tensor, weight: Tensor, styles: Tensor, *, demodulate: bool = True, up_filter: Tensor | None = None
) -> Tensor:
    """Convolve `x` (N, I, H, W) with `weight` (O, I, k, k) modulated by `styles` (N, I); "same" padding.

    With `up_filter` (4, 4) the output has twice the height and width; the kernel must then be 3x3.
    """
    x = x * styles[:, :, None, None].to(x.dtype)
    if up_filter is None:
        x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
    else:
        x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
        x = filter2d(x, up_filter, padding=1, gain=4.0)
    if demodulate:
        x = x * demodulation(weight, styles)[:, :, None, None].to(x.dtype)
    return x


def demodulation(weight: Tensor, styles: Tensor) -> Tensor:
    """Factors (N, O) that give every modulated output filter unit norm; always in float32."""
    with torch.autocast(styles.device.type, enabled=False):
        power = weight.float().square().sum(dim=(2, 3))
        return (styles.float().square() @ power.t() + EPSILON).rsqrt()
