"""The field's tools as their users run them: one after the other, each reading both sides from PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_FID_BATCH = 50
"""pytorch-fid's default."""
_WINDOW = 5


def write_pngs(frames: NDArray[np.uint8], folder: Path) -> list[Path]:
    """`frames` (n, H, W, 3) RGB as numbered files; not part of what is timed."""
    import cv2

    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index:06}.png" for index in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        cv2.imwrite(str(path), frame[..., ::-1])
    return paths


def pytorch_fid(network: nn.Module, output: list[Path], truth: list[Path]) -> float:
    """pytorch-fid's own statistics and distance of both sides; `network` spares it the download of weights."""
    from pytorch_fid.fid_score import calculate_activation_statistics, calculate_frechet_distance

    wrapped: Any = _AsItsOwn(network)
    sides = [
        calculate_activation_statistics(paths, wrapped, _FID_BATCH, 2048, "cpu", num_workers=0)
        for paths in (output, truth)
    ]
    return float(calculate_frechet_distance(*sides[0], *sides[1]))


class _AsItsOwn(nn.Module):
    """Gives what pytorch-fid's network gives: a list with (N, 2048, 1, 1)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> list[Tensor]:
        # As in pytorch-fid, whose pictures come in the ordinary layout.
        return [self.network(images.contiguous())[..., None, None]]


def lpips_folders(model: nn.Module, output: list[Path], truth: list[Path]) -> float:
    """Mean distance of pairs, one by one, as the lpips package's script for two folders."""
    import lpips

    values = []
    for pair in zip(output, truth, strict=True):
        first, second = (lpips.im2tensor(lpips.load_image(str(path))) for path in pair)
        with torch.no_grad():
            values.append(float(model(first, second)))
    return float(np.mean(values))


def skimage_pairs(output: list[Path], truth: list[Path]) -> tuple[float, float]:
    """Mean SSIM (Wang et al.) and PSNR of pairs by scikit-image."""
    from skimage.io import imread
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    pairs = [(imread(a), imread(b)) for a, b in zip(output, truth, strict=True)]
    settings: dict[str, Any] = {"channel_axis": 2, "gaussian_weights": True, "sigma": 1.5, "data_range": 255}
    ssim = [structural_similarity(a, b, use_sample_covariance=False, **settings) for a, b in pairs]
    with np.errstate(divide="ignore"):
        psnr = [peak_signal_noise_ratio(b, a, data_range=255) for a, b in pairs]
    return float(np.mean(ssim)), float(np.mean(psnr))


def window_by_window(network: Any, faces: Tensor, sound: Tensor) -> Tensor:
    """Distances (windows,) of lips (3, T, 224, 224) and MFCC windows (n, 1, 13, 20), a window at a time."""
    distances = []
    with torch.no_grad():
        for start in range(min(faces.shape[1] - _WINDOW + 1, len(sound))):
            lips = network.embed_lips(faces[:, start : start + _WINDOW])
            heard = network.embed_audio(sound[start : start + 1])
            distances.append((lips - heard).norm(dim=1))
    return torch.cat(distances)
