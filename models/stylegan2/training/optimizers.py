"""Steps of the optimisers, and the moving average of the generator."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench_lipsync.models.stylegan2.training.settings import GanSettings


def lazy_adam(network: nn.Module, settings: GanSettings, every: int | None) -> torch.optim.Adam:
    """Adam for a network that makes one extra step for a penalty after every `every` steps.

    Learning rate and betas are corrected for the extra steps (StyleGAN2, appendix B, "lazy regularization").
    """
    ratio = 1.0 if every is None else every / (every + 1)
    betas = (settings.betas[0] ** ratio, settings.betas[1] ** ratio)
    return torch.optim.Adam(network.parameters(), lr=settings.lr * ratio, betas=betas, eps=1e-8, fused=True)


def descend(optimiser: torch.optim.Adam, loss: Tensor) -> None:
    """One step of `optimiser` down the gradient of `loss`."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


@torch.no_grad()
def average(mean: nn.Module, network: nn.Module, kept: float) -> None:
    """Move the parameters of `mean` towards those of `network`, keeping the share `kept`; buffers are copied."""
    for old, new in zip(mean.parameters(), network.parameters(), strict=True):
        old.copy_(new.lerp(old, kept))
    for stale, fresh in zip(mean.buffers(), network.buffers(), strict=True):
        stale.copy_(fresh)
