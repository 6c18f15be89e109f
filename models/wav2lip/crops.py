"""Between prepared frames and Wav2Lip's network: cutting faces out, what the network sees, and pasting them back."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.models.wav2lip.boxes import Pads
from bench_lipsync.models.wav2lip.network import FACE_SIZE

PADS = Pads()
"""As `inference.py`: ten pixels below the chin."""


def cut_faces(frames: NDArray[np.uint8], boxes: NDArray[np.int64]) -> NDArray[np.uint8]:
    """(n, 96, 96, 3) of `frames` (n, H, W, 3) and `boxes` (n, 4) of left, top, right, bottom; bilinear, as published.

    Raises `ClipError` for an empty box.
    """
    import cv2

    if (boxes[:, 2:] <= boxes[:, :2]).any():
        raise ClipError(Status.MODEL_FAILED, "wav2lip: a face box is empty; the face lies outside the crop")
    faces = np.empty((len(frames), FACE_SIZE, FACE_SIZE, 3), np.uint8)
    for index, (frame, (left, top, right, bottom)) in enumerate(zip(frames, boxes, strict=True)):
        faces[index] = cv2.resize(np.ascontiguousarray(frame[top:bottom, left:right]), (FACE_SIZE, FACE_SIZE))
    return faces


def paste_faces(frames: NDArray[np.uint8], boxes: NDArray[np.int64], faces: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`frames` with `faces` (n, 96, 96, 3) resized into `boxes`; hard edges, as published."""
    import cv2

    output = frames.copy()
    for frame, (left, top, right, bottom), face in zip(output, boxes, faces, strict=True):
        frame[top:bottom, left:right] = cv2.resize(face, (int(right - left), int(bottom - top)))
    return output


def to_bgr(faces: NDArray[np.uint8]) -> Tensor:
    """(n, 3, 96, 96) in [0, 1], BGR, of (n, 96, 96, 3) RGB."""
    return torch.from_numpy(np.ascontiguousarray(faces[..., ::-1])).permute(0, 3, 1, 2).float() / 255.0


def to_rgb(drawn: Tensor) -> NDArray[np.uint8]:
    """The inverse of `to_bgr`; levels are cut and not rounded, as published."""
    levels = (drawn.detach().cpu().permute(0, 2, 3, 1).numpy()[..., ::-1] * 255.0).astype(np.uint8)
    return np.ascontiguousarray(levels)


def network_input(faces: Tensor, reference: Tensor) -> Tensor:
    """(n, 6, 96, 96): `faces` with the lower half black, then `reference`, both (n, 3, 96, 96) in [0, 1]."""
    masked = faces.clone()
    masked[:, :, FACE_SIZE // 2 :] = 0.0
    return torch.cat([masked, reference], dim=1)
