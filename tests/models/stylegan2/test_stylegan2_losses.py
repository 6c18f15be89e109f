"""The losses against known answers and against gradients written out."""

from __future__ import annotations

import math

import torch

from bench_lipsync.models.stylegan2.network.discriminator import Discriminator
from bench_lipsync.models.stylegan2.training.losses import (
    discriminator_loss,
    generator_loss,
    path_lengths,
    path_penalty,
    r1_penalty,
)
from bench_lipsync.models.stylegan2.training.optimizers import lazy_adam
from bench_lipsync.models.stylegan2.training.settings import GanSettings


def test_an_undecided_discriminator_costs_ln_2_a_side() -> None:
    zero = torch.zeros(3)
    torch.testing.assert_close(generator_loss(zero), torch.tensor(math.log(2)))
    torch.testing.assert_close(discriminator_loss(zero, zero), torch.tensor(2 * math.log(2)))
    # -log(sigmoid(2)) and -log(1 - sigmoid(-1))
    sure = discriminator_loss(torch.tensor([2.0]), torch.tensor([-1.0]))
    torch.testing.assert_close(sure, torch.tensor(math.log(1 + math.exp(-2)) + math.log(1 + math.exp(-1))))


def test_r1_of_a_linear_judge_is_the_squared_norm_of_its_weights() -> None:
    weight = torch.randn(3, 4, 4)
    pictures = torch.randn(5, 3, 4, 4, requires_grad=True)
    logits = (pictures * weight).sum(dim=(1, 2, 3))
    torch.testing.assert_close(r1_penalty(logits, pictures), weight.square().sum())


def test_r1_and_its_gradient_agree_with_finite_differences() -> None:
    torch.manual_seed(0)
    judge = Discriminator(8, {4: 3, 8: 2}, group=2).double()
    # The last layers always work in float32; without them the judge can be checked in float64.
    block, weight = judge.b8, judge.b8.conv0.weight
    pictures = torch.randn(1, 3, 8, 8, dtype=torch.float64)

    def logit(x: torch.Tensor) -> torch.Tensor:
        return block(x).square().sum(dim=(1, 2, 3))

    def penalty() -> torch.Tensor:
        x = pictures.clone().requires_grad_(True)
        return r1_penalty(logit(x), x)

    jacobian = torch.autograd.functional.jacobian(lambda x: logit(x).sum(), pictures)
    torch.testing.assert_close(penalty(), jacobian.square().sum())
    (gradient,) = torch.autograd.grad(penalty(), weight)
    step = 1e-6
    with torch.no_grad():
        weight[0, 1, 2, 2] += step
    above = float(penalty().detach())
    with torch.no_grad():
        weight[0, 1, 2, 2] -= 2 * step
    below = float(penalty().detach())
    assert math.isclose(float(gradient[0, 1, 2, 2]), (above - below) / (2 * step), rel_tol=1e-4, abs_tol=1e-8)


def test_path_lengths_of_a_scaling_generator() -> None:
    # Each layer's latent shifts every pixel by `scale`: the gradient is scale times the sum of the direction, which is
    # normal with unit variance, so that lengths are scale * |n| with mean scale * sqrt(2 / pi).
    torch.manual_seed(0)
    ws = torch.zeros(4000, 2, 1, requires_grad=True)
    pictures = (3.0 * ws.sum(dim=(1, 2)))[:, None, None, None].expand(4000, 1, 4, 4)
    lengths = path_lengths(pictures, ws)
    assert lengths.shape == (4000,)
    assert math.isclose(float(lengths.mean()), 3.0 * math.sqrt(2 / math.pi), rel_tol=0.05)


def test_path_penalty_compares_with_the_moved_mean() -> None:
    result = path_penalty(torch.tensor([1.0, 3.0]), torch.tensor(0.0), decay=0.25)
    torch.testing.assert_close(result.mean, torch.tensor(0.5))
    torch.testing.assert_close(result.penalty, torch.tensor((0.5**2 + 2.5**2) / 2))


def test_adam_is_corrected_for_the_extra_steps() -> None:
    settings = GanSettings()
    with_penalty = lazy_adam(torch.nn.Linear(1, 1), settings, settings.r1_every).param_groups[0]
    assert math.isclose(with_penalty["lr"], 0.0025 * 16 / 17)
    assert with_penalty["betas"] == (0.0, 0.99 ** (16 / 17))
    without = lazy_adam(torch.nn.Linear(1, 1), settings, None).param_groups[0]
    assert (without["lr"], without["betas"]) == (0.0025, (0.0, 0.99))
