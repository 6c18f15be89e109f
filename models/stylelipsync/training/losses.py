"""Training losses: L2 and LPIPS on the frame and on the mouth cut out of it, tone, and synchrony."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_lipsync.models.backbones.lpips import load_lpips
from bench_lipsync.models.stylelipsync.training.settings import TrainSettings
from bench_lipsync.models.syncnet.expert.network import SyncExpert, load_expert, sync_loss
from bench_lipsync.models.vision.mouth import CUT_SIZE, cut

INNER = slice(CUT_SIZE // 4, CUT_SIZE * 3 // 4)
"""Rows and columns of the mouth's cut that hold the lips' opening and the teeth."""
TONE_CELLS = 16
"""Cells a side over which colours are averaged for the tone loss."""


class Losses(NamedTuple):
    """Scalars before their weights; `total` is the weighted sum, which is minimised."""

    total: Tensor
    l2: Tensor
    lpips: Tensor
    mouth_l2: Tensor
    mouth_lpips: Tensor
    inner: Tensor
    tone: Tensor
    sync: Tensor


class ReconstructionLoss:
    """Compares output and true frames (N, 3, R, R) in [-1, 1]."""

    def __init__(self, settings: TrainSettings, device: str) -> None:
        self.settings = settings
        self.lpips: nn.Module | None = load_lpips(settings.lpips_net, device) if settings.lambda_lpips > 0 else None

    def __call__(self, output: Tensor, truth: Tensor, mouth: Tensor) -> Losses:
        """Losses of a batch, `sync` zero; `mouth` (N, 3) says where the mouths are."""
        settings = self.settings
        none = output.new_zeros(())
        l2, tone = F.mse_loss(output, truth), tone_loss(output, truth) if settings.lambda_tone else none
        mouth_l2 = mouth_lpips = inner = none
        if settings.lambda_mouth or settings.lambda_inner:
            pair = cut(output, mouth), cut(truth, mouth)
            mouth_l2, inner = F.mse_loss(*pair), F.mse_loss(pair[0][..., INNER, INNER], pair[1][..., INNER, INNER])
            mouth_lpips = self._lpips(*pair) if settings.lambda_mouth else none
        if settings.face_cut:
            face = mouth * torch.tensor([1.0, 1.0, settings.face_cut], device=mouth.device)
            output, truth = cut(output, face), cut(truth, face)
        lpips = self._pyramid(output, truth)
        total = settings.lambda_l2 * (l2 + settings.lambda_mouth * mouth_l2 + settings.lambda_inner * inner)
        total = total + settings.lambda_lpips * (lpips + settings.lambda_mouth * mouth_lpips)
        total = total + settings.lambda_tone * tone
        return Losses(total, l2, lpips, mouth_l2, mouth_lpips, inner, tone, none)

    def _pyramid(self, output: Tensor, truth: Tensor) -> Tensor:
        """LPIPS added up over `lpips_levels`, each level half as large as the one before."""
        total = self._lpips(output, truth)
        for _ in range(1, self.settings.lpips_levels):
            output, truth = F.avg_pool2d(output, 2), F.avg_pool2d(truth, 2)
            total = total + self._lpips(output, truth)
        return total

    def _lpips(self, output: Tensor, truth: Tensor) -> Tensor:
        return self.lpips(output, truth).float().mean() if self.lpips else output.new_zeros(())


class SyncLoss:
    """L_sync: how much in sync the frozen sync expert finds output and audio. Raises `BenchError` without weights.

    `expert` are weights of another expert than the one that comes with the package.
    """

    def __init__(self, settings: TrainSettings, expert: Path | None, device: str) -> None:
        self.settings = settings
        self.expert: SyncExpert | None = None
        if settings.lambda_sync > 0:
            self.expert = load_expert(expert, device, settings.sync_loss)

    def add(self, losses: Losses, output: Tensor, mouth: Tensor, mel: Tensor, step: int) -> Losses:
        """`losses` with synchrony in them, from step `sync_start` on.

        `output` (B, T, 3, R, R) in [-1, 1], `mouth` (B, T, 3), `mel` (B, T, 20, 80).
        """
        if self.expert is None or step < self.settings.sync_start:
            return losses
        sync = sync_loss(self.expert, output, mouth, mel, self.settings.sync_loss)
        return losses._replace(total=losses.total + self.settings.lambda_sync * sync, sync=sync)


def tone_loss(output: Tensor, truth: Tensor) -> Tensor:
    """Mean distance of the colours of `TONE_CELLS` x `TONE_CELLS` cells: a wrong tone costs more than in L2."""
    return F.avg_pool2d(output - truth, max(output.shape[-1] // TONE_CELLS, 1)).abs().mean()
