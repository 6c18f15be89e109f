"""Style-aware masked fusion against its formula written out, one modulated weight a sample."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from bench_lipsync.models.stylelipsync.network.samf import StandardFusion, StyleAwareMaskedFusion


def test_equals_the_formula() -> None:
    torch.manual_seed(0)
    samf = StyleAwareMaskedFusion(6, 5).double()
    with torch.no_grad():
        samf.bias.fill_(0.3)
    x, feature = torch.randn(2, 2, 6, 8, 8, dtype=torch.float64)
    w = torch.randn(2, 5, dtype=torch.float64)
    styles = w @ samf.affine.weight.t() / math.sqrt(5) + samf.affine.bias
    for sample in range(2):
        weight = samf.weight * styles[sample][None, :, None, None]
        weight = weight / (weight.square().sum() + 1e-8).sqrt()
        z = F.conv2d(feature[sample : sample + 1], weight, padding=1) + 0.3
        sigma = torch.sigmoid(F.leaky_relu(z, 0.2) * math.sqrt(2))
        expected = sigma * feature[sample] + (1 - sigma) * x[sample]
        torch.testing.assert_close(samf(x, feature, w)[sample : sample + 1], expected)


def test_output_lies_between_its_inputs() -> None:
    torch.manual_seed(0)
    samf = StyleAwareMaskedFusion(4, 4)
    x, feature = torch.zeros(1, 4, 8, 8), torch.ones(1, 4, 8, 8)
    out = samf(x, feature, torch.randn(1, 4))
    assert ((out > 0) & (out < 1)).all()
    assert (out == out[:, :1]).all(), "one map for all channels"


def test_without_the_modulation_the_gate_is_a_standard_convolution_that_no_style_moves() -> None:
    torch.manual_seed(0)
    standard, samf = StandardFusion(6), StyleAwareMaskedFusion(6, 5)
    x, feature = torch.randn(2, 1, 6, 8, 8)
    one, other = torch.randn(2, 1, 5)
    z = F.conv2d(feature, standard.conv.weight, standard.conv.bias, padding=1)
    sigma = torch.sigmoid(F.leaky_relu(z, 0.2) * math.sqrt(2))
    torch.testing.assert_close(standard(x, feature, one), sigma * feature + (1 - sigma) * x)
    assert torch.equal(standard.gate(feature, one), standard.gate(feature, other))
    assert not torch.allclose(samf.gate(feature, one), samf.gate(feature, other))
