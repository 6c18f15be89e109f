"""Sheets of samples: the same latents all along the training, as they are and truncated, to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench_lipsync.models.stylegan2.network.generator import Generator

COLUMNS, ROWS = 8, 4
PSI = 0.7
"""Truncation of the lower half of the sheet."""
_SEED = 1234


@torch.inference_mode()
def write_sheet(path: Path, generator: Generator, device: str = "cpu") -> None:
    """PNG with 32 samples as they are, and below them the same 32 truncated by 0.7; stored noise."""
    import cv2

    own = torch.Generator().manual_seed(_SEED)
    z = torch.randn(COLUMNS * ROWS, generator.config.z_dim, generator=own).to(device)
    halves = []
    for psi in (1.0, PSI):
        images = torch.cat([generator(part, psi) for part in torch.split(z, COLUMNS)])
        halves.append(_grid(images))
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(np.vstack(halves), cv2.COLOR_RGB2BGR))


def _grid(images: Tensor) -> NDArray[np.uint8]:
    """(N, 3, R, R) in [-1, 1] to one uint8 image of rows of eight."""
    levels = ((images.float().cpu() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
    rows = levels.permute(0, 2, 3, 1).numpy().reshape(-1, COLUMNS, *levels.shape[2:], 3)
    return np.vstack([np.hstack(list(row)) for row in rows])
