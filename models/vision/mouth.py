"""Where the mouth is in a frame, and cutting it out: for losses that look at it, and for the speaker's tone."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

LIPS = (61, 291, 0, 17, 37, 267, 84, 314)
"""Outline of the outer lips."""
MOUTH_MARGIN = 1.5
"""The mouth's square is this much larger than the lips are wide."""
CUT_SIZE = 64
"""Side in pixels of what is cut out."""


def mouth_squares(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squares (T, 3) around the lips of `landmarks` (T, 478, 3) in fractions of the frame.

    Each is the centre's x and y and half of the side, in [-1, 1] image coordinates.
    """
    lips = landmarks[:, LIPS, :2]
    low, high = lips.min(axis=1), lips.max(axis=1)
    half = MOUTH_MARGIN * (high - low).max(axis=1, keepdims=True) / 2
    return np.concatenate([low + high - 1.0, 2.0 * half], axis=1).astype(np.float32)


def cut(frames: Tensor, squares: Tensor) -> Tensor:
    """Cut `squares` (N, 3) out of `frames` (N, 3, R, R) and resample them to 64 px."""
    theta = torch.zeros(len(squares), 2, 3, device=frames.device)
    theta[:, 0, 0] = theta[:, 1, 1] = squares[:, 2]
    theta[:, :, 2] = squares[:, :2]
    grid = F.affine_grid(theta, [len(squares), 3, CUT_SIZE, CUT_SIZE], align_corners=False)
    return F.grid_sample(frames, grid, padding_mode="border", align_corners=False)
