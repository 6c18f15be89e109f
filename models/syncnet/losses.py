"""Contrastive losses: find the right window among its neighbours, and for the open SyncNet among other clips."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def contrastive_loss(lips: Tensor, audio: Tensor, scale: Tensor, softness: float = 0.1) -> Tensor:
    """Scalar loss of unit vectors (B, W, D) of B stretches with W windows in a row each.

    Within a stretch (weight 1) every lip window must find its audio among the W shifts, the nearest of which share
    four fifths of it: that is what an offset is read from. Between stretches (weight 0.5) it must find it among all
    B * W, which keeps the vectors from becoming clocks. `softness` of the target lies on either neighbour: shifts
    below a frame cannot be told apart. Both directions count.
    """
    batch, windows, _ = lips.shape
    within = scale * lips @ audio.transpose(1, 2)  # (B, W, W)
    target = _soft_identity(windows, softness, lips.device).expand(batch, -1, -1).flatten(0, 1)
    near = _both_ways(within, target)
    # Neighbours of the same stretch are the other term's business.
    everything = scale * lips.flatten(0, 1) @ audio.flatten(0, 1).T  # (B*W, B*W)
    index = torch.arange(batch * windows, device=lips.device)
    stretch = index // windows
    neighbours = (stretch[:, None] == stretch[None]) & (index[:, None] != index[None])
    masked = everything.masked_fill(neighbours, float("-inf"))
    far = (F.cross_entropy(masked, index) + F.cross_entropy(masked.T, index)) / 2
    return near + 0.5 * far


def info_nce(lips: Tensor, audio: Tensor, temperature: float) -> Tensor:
    """InfoNCE over cosine / `temperature` of unit vectors (B, W, D) of B stretches with W windows in a row each.

    StyleTalker (arXiv 2208.10922): the negatives of a pair are shifted windows of the same clip, of the frames with
    the audio fixed and of the audio with the frames fixed.
    """
    within = lips @ audio.transpose(1, 2) / temperature  # (B, W, W)
    return _both_ways(within, _soft_identity(lips.shape[1], 0.0, lips.device).expand_as(within).flatten(0, 1))


def hits(lips: Tensor, audio: Tensor, tolerance: int = 1) -> float:
    """Share of lip windows whose nearest audio within the stretch is at most `tolerance` windows away."""
    best = (lips @ audio.transpose(1, 2)).argmax(dim=-1)
    own = torch.arange(lips.shape[1], device=lips.device)
    return float(((best - own).abs() <= tolerance).float().mean())


def _soft_identity(count: int, softness: float, device: torch.device) -> Tensor:
    target = torch.eye(count, device=device)
    beside = torch.diag(torch.ones(count - 1, device=device), 1)
    target = target + softness * (beside + beside.T)
    return target / target.sum(dim=-1, keepdim=True)


def _both_ways(within: Tensor, target: Tensor) -> Tensor:
    """Mean over rows and columns of (B, W, W) similarities, which should be `target` (B * W, W)."""
    rows, columns = within.flatten(0, 1), within.transpose(1, 2).flatten(0, 1)
    return (F.cross_entropy(rows, target) + F.cross_entropy(columns, target)) / 2
