"""The mapping network and the whole generator against their definitions."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from bench_lipsync.models.stylegan2.network.config import PriorConfig
from bench_lipsync.models.stylegan2.network.generator import Generator
from bench_lipsync.models.stylegan2.network.mapping import Mapping, normalise

TINY = PriorConfig(resolution=16, channel_base=128, channel_max=8, w_dim=6, z_dim=5, mapping_layers=2)


def test_a_row_of_z_gets_unit_mean_square() -> None:
    z = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    expected = torch.tensor([[3.0, 4.0], [0.0, 2.0 * 12.5**0.5 / 2**0.5]]) / 12.5**0.5
    torch.testing.assert_close(normalise(z), expected)


def test_a_layer_acts_with_a_hundredth_of_its_weights() -> None:
    torch.manual_seed(0)
    mapping = Mapping(z_dim=4, w_dim=3, layers=1)
    weight, bias = torch.randn(3, 4), torch.randn(3)
    mapping.load_state_dict({"fc0.weight": weight, "fc0.bias": bias, "w_avg": torch.zeros(3)})
    z = torch.randn(7, 4)
    expected = F.leaky_relu(normalise(z) @ (weight * 0.01 / 2.0).T + 0.01 * bias, 0.2) * math.sqrt(2)
    torch.testing.assert_close(mapping(z), expected)


def test_fresh_layers_keep_the_variance() -> None:
    torch.manual_seed(0)
    w = Mapping(z_dim=256, w_dim=256, layers=4)(torch.randn(512, 256))
    assert 0.7 < float(w.square().mean()) < 1.4


def test_names_and_shapes_are_those_of_published_generators() -> None:
    state = {key: tuple(value.shape) for key, value in Generator(TINY).state_dict().items()}
    assert state["mapping.fc0.weight"] == (6, 5)
    assert state["mapping.fc1.weight"] == (6, 6)
    assert state["mapping.w_avg"] == (6,)
    assert state["synthesis.b4.const"] == (8, 4, 4)
    assert state["synthesis.b16.conv0.affine.weight"] == (8, 6)


def test_the_mean_latent_follows_by_half_a_percent() -> None:
    mapping = Mapping(4, 3, 1)
    mapping.track(torch.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    torch.testing.assert_close(mapping.w_avg, torch.full((3,), 0.01))


def test_truncation_goes_from_the_mean_to_the_latent() -> None:
    generator = Generator(TINY)
    generator.mapping.w_avg.copy_(torch.arange(6.0))
    w = torch.randn(2, 4, 6)
    torch.testing.assert_close(generator.mapping.truncate(w, 1.0), w)
    torch.testing.assert_close(generator.mapping.truncate(w, 0.0), torch.arange(6.0).expand(2, 4, 6))
    z = torch.randn(3, 5)
    pictures = generator(z, psi=0.0)
    assert pictures.shape == (3, 3, 16, 16)
    torch.testing.assert_close(pictures[0], pictures[2])


def test_style_mixing_changes_the_upper_layers_of_the_whole_batch() -> None:
    torch.manual_seed(0)
    generator = Generator(TINY)
    z = torch.randn(2, 5)
    plain, mixed = generator.latents(z), generator.latents(z, mixing=1.0)
    torch.testing.assert_close(plain, plain[:, :1].expand_as(plain))
    changed = (mixed != plain).any(dim=2)
    torch.testing.assert_close(changed[0], changed[1])
    cut = int(changed[0].nonzero()[0])
    assert 1 <= cut < generator.synthesis.num_ws
    assert changed[:, cut:].all()


def test_without_mixing_no_random_number_is_drawn() -> None:
    generator = Generator(TINY)
    torch.manual_seed(3)
    generator.latents(torch.zeros(1, 5))
    after = torch.rand(())
    torch.manual_seed(3)
    assert after == torch.rand(())
