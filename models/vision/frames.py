"""Between prepared frames and the network: sizes, value ranges, masking, and pasting the result into the frame."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Images = TypeVar("Images", NDArray[np.uint8], NDArray[np.float32])


def resize(images: Images, size: int) -> Images:
    """Resize `images` (N, H, W[, C]) to `size`: by area when smaller, by bicubic interpolation when larger."""
    import cv2

    if images.shape[1] == size and images.shape[2] == size:
        return images
    how = cv2.INTER_AREA if size < images.shape[1] else cv2.INTER_CUBIC
    return np.stack([cv2.resize(image, (size, size), interpolation=how) for image in images])


def to_tensor(frames: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32 in [-1, 1]."""
    # A plain copy: arrays mapped from disk cannot be written to, and in channels-last layout, which a mere permutation
    # would give, instance norm goes backward fifty times slower.
    planes = torch.from_numpy(np.array(frames.transpose(0, 3, 1, 2), order="C"))
    return planes.float() / 127.5 - 1.0


def to_uint8(frames: Tensor) -> NDArray[np.uint8]:
    """(N, 3, H, W) about [-1, 1] to (N, H, W, 3) uint8, rounded."""
    levels = ((frames.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).cpu().contiguous().numpy()


def hide(frames: Tensor, keep: Tensor, fill: float = -1.0) -> Tensor:
    """Masked frames: `frames` (N, 3, H, W) in [-1, 1] go to `fill` (black) where `keep` (N, 1, H, W) is 0."""
    return (frames - fill) * keep + fill


def composite(generated: NDArray[np.uint8], truth: NDArray[np.uint8], keep: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Paste `generated` (N, h, h, 3) into `truth` (N, H, H, 3) where `keep` (N, k, k) is 0; edges are blended."""
    size = truth.shape[1]
    weight = np.clip(resize(keep, size), 0.0, 1.0)[..., None]
    mixed = resize(generated, size) * (1.0 - weight) + truth * weight
    levels: NDArray[np.uint8] = np.round(mixed).clip(0, 255).astype(np.uint8)
    return levels
