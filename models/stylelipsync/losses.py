"""Training losses: L2 and LPIPS on the frame, and on the mouth cut out of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.registry import Registry
from models.stylelipsync.settings import TrainSettings

CUT_SIZE = 64
"""Side in pixels of what is cut out."""
_NETWORKS: Registry[Callable[..., nn.Module]] = Registry("loss network", {"lpips": "metrics.lpips:load_lpips"})


class Losses(NamedTuple):
    """Scalars; `total` is what is minimised."""

    total: Tensor
    l2: Tensor
    lpips: Tensor
    mouth_l2: Tensor
    mouth_lpips: Tensor


class ReconstructionLoss:
    """Compares output and true frames (N, 3, R, R) in [-1, 1]."""

    def __init__(self, settings: TrainSettings, device: str) -> None:
        self.settings = settings
        self.lpips = _NETWORKS.get("lpips")("alex", device=device) if settings.lambda_lpips else None

    def __call__(self, output: Tensor, truth: Tensor, mouth: Tensor) -> Losses:
        """Losses of a batch; `mouth` (N, 3) says where the mouths are."""
        settings = self.settings
        mouth_l2 = mouth_lpips = output.new_zeros(())
        if settings.lambda_mouth:
            pair = cut(output, mouth), cut(truth, mouth)
            mouth_l2, mouth_lpips = F.mse_loss(*pair), self._lpips(*pair)
        l2 = F.mse_loss(output, truth)
        if settings.face_cut:
            face = mouth * torch.tensor([1.0, 1.0, settings.face_cut], device=mouth.device)
            output, truth = cut(output, face), cut(truth, face)
        lpips = self._lpips(output, truth)
        total = settings.lambda_l2 * (l2 + settings.lambda_mouth * mouth_l2)
        total = total + settings.lambda_lpips * (lpips + settings.lambda_mouth * mouth_lpips)
        return Losses(total, l2, lpips, mouth_l2, mouth_lpips)

    def _lpips(self, output: Tensor, truth: Tensor) -> Tensor:
        return self.lpips(output, truth).float().mean() if self.lpips else output.new_zeros(())


def cut(frames: Tensor, squares: Tensor) -> Tensor:
    """Cut `squares` (N, 3) out of `frames` (N, 3, R, R) and resample them to 64 px."""
    theta = torch.zeros(len(squares), 2, 3, device=frames.device)
    theta[:, 0, 0] = theta[:, 1, 1] = squares[:, 2]
    theta[:, :, 2] = squares[:, :2]
    grid = F.affine_grid(theta, [len(squares), 3, CUT_SIZE, CUT_SIZE], align_corners=False)
    return F.grid_sample(frames, grid, padding_mode="border", align_corners=False)
