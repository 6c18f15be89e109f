"""Losses of StyleGAN2: non-saturating logistic, R1 (Mescheder et al. 2018), path length (Karras et al. 2020, 3.2)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


def generator_loss(fake: Tensor) -> Tensor:
    """-log of the probability that the discriminator gives fakes, from its logits (N,)."""
    return F.softplus(-fake).mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Cross entropy of the logits (N,) of real and fake images."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def r1_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """Squared norm of the gradient of the logits (N,) by the real images (N, 3, R, R), averaged; differentiable."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def path_lengths(images: Tensor, ws: Tensor) -> Tensor:
    """How far images (N, 3, R, R) move with their latents ws (N, num_ws, w_dim) along a random direction: (N,).

    The direction is normal noise divided by the side in pixels; squared gradients are summed over `w_dim` and averaged
    over the layers. Differentiable.
    """
    direction = torch.randn_like(images) / math.sqrt(images.shape[2] * images.shape[3])
    (gradient,) = torch.autograd.grad((images * direction).sum(), ws, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()


class PathPenalty(NamedTuple):
    """Penalty (scalar, differentiable) and the running mean length after this batch (scalar)."""

    penalty: Tensor
    mean: Tensor


def path_penalty(lengths: Tensor, mean: Tensor, decay: float) -> PathPenalty:
    """Squared distance of the lengths (N,) from their running mean, which first moves towards them by `decay`."""
    moved = mean.lerp(lengths.mean(), decay)
    return PathPenalty((lengths - moved).square().mean(), moved.detach())
