"""The discriminator against its definition written out, and the minibatch standard deviation by hand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from bench_lipsync.models.stylegan2.network.discriminator import (
    Convolution,
    Discriminator,
    ResidualBlock,
    minibatch_stddev,
)
from bench_lipsync.models.stylegan2.network.layers import leaky_relu
from bench_lipsync.models.stylegan2.network.resample import binomial_filter

CHANNELS = {4: 8, 8: 8, 16: 4}


def halve(x: torch.Tensor, pad: int) -> torch.Tensor:
    """The binomial filter without stride."""
    kernel = binomial_filter().expand(x.shape[1], 1, 4, 4)
    return F.conv2d(F.pad(x, (pad,) * 4), kernel, groups=x.shape[1])


def test_deviation_by_hand() -> None:
    # Groups are every second sample: (0, 2) and (1, 3).
    values = torch.tensor([[0.0, 1.0], [5.0, 5.0], [4.0, 3.0], [5.0, 9.0]])
    planes = minibatch_stddev(values[:, :, None, None].expand(4, 2, 3, 3), group=2)
    first, second = (2.0 + 1.0) / 2, (0.0 + 2.0) / 2
    assert planes.shape == (4, 1, 3, 3)
    expected = torch.tensor([first, second, first, second])[:, None, None, None].expand(4, 1, 3, 3)
    torch.testing.assert_close(planes, expected, atol=1e-4, rtol=0)


def test_a_group_is_never_larger_than_the_batch_and_must_divide_it() -> None:
    assert minibatch_stddev(torch.zeros(2, 3, 4, 4), group=8).shape == (2, 1, 4, 4)
    with pytest.raises(ValueError, match="6 images cannot be divided into groups of 4"):
        minibatch_stddev(torch.zeros(6, 3, 4, 4), group=4)


def test_the_shortcut_is_the_filter_then_every_second_sample_then_the_weights() -> None:
    torch.manual_seed(0)
    layer = Convolution(3, 5, 1, down=True, bias=False)
    x = torch.randn(2, 3, 8, 8)
    expected = F.conv2d(halve(x, 1)[:, :, ::2, ::2], layer.weight / math.sqrt(3))
    torch.testing.assert_close(layer(x), expected)


def test_the_second_convolution_is_the_filter_then_every_second_output() -> None:
    torch.manual_seed(0)
    layer = Convolution(3, 5, 3, down=True)
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(2, 3, 8, 8)
    whole = F.conv2d(halve(x, 2), layer.weight / math.sqrt(27), layer.bias)
    torch.testing.assert_close(layer(x), whole[:, :, ::2, ::2])


def test_a_block_adds_both_ways_and_keeps_the_variance() -> None:
    torch.manual_seed(0)
    block = ResidualBlock(4, 6, from_rgb=False)
    x = torch.randn(2, 4, 8, 8)
    expected = (block.skip(x) + leaky_relu(block.conv1(leaky_relu(block.conv0(x))))) / math.sqrt(2)
    torch.testing.assert_close(block(x), expected)


def test_one_logit_a_picture_and_names_of_published_discriminators() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(16, CHANNELS, group=2)
    assert discriminator(torch.randn(4, 3, 16, 16)).shape == (4,)
    names = set(discriminator.state_dict())
    assert {"b16.fromrgb.weight", "b16.conv0.bias", "b8.skip.weight", "b4.conv.weight", "b4.out.bias"} <= names
    assert "b8.fromrgb.weight" not in names
    assert "b16.skip.bias" not in names
    assert discriminator.state_dict()["b4.conv.weight"].shape == (8, 9, 3, 3)
    assert discriminator.state_dict()["b4.fc.weight"].shape == (8, 128)


def test_equal_pictures_are_judged_otherwise_than_different_ones() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(16, CHANNELS, group=4)
    pictures = torch.randn(4, 3, 16, 16)
    alone = discriminator(pictures[:1].expand(4, 3, 16, 16))
    assert float((discriminator(pictures)[0] - alone[0]).abs().detach()) > 1e-4
