"""Composites generated crops into the full frame; pixels outside the blend stay bit-identical to the source."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.dubbing.head_motion import Affine
from bench_lipsync.harness.faces.crop import CropBox
from bench_lipsync.harness.media.yuv_planes import Planes

_STEEPNESS = 8.0
"""The model's frames are already blended along its soft mask. Blending again with the same mask would apply it twice,
so crops get full weight from an eighth of the mask on."""
_BORDER = 0.08  # Of the crop's side: soft border for models without `keep`.


class Patch(NamedTuple):
    """Pixels to blend into a frame."""

    pixels: NDArray[np.float32]
    """(h, w, 3) RGB, 0 to 255."""
    weight: NDArray[np.float32]
    """(h, w) 0 to 1."""
    x: int
    """Left column in the full frame; may lie outside."""
    y: int


def weight_of(keep: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blending weight of a generated crop, from the share of the input that the model kept: both (n, n) in 0 to 1."""
    weight: NDArray[np.float32] = np.clip((1 - keep) * _STEEPNESS, 0, 1).astype(np.float32)
    return weight


def border_weight(size: int) -> NDArray[np.float32]:
    """Weight (size, size) for a model that may have changed any pixel: 1, fading out at the border of the crop."""
    centre = np.arange(size) + 0.5
    ramp = np.clip(np.minimum(centre, size - centre) / (_BORDER * size), 0, 1)
    smooth = ramp * ramp * (3 - 2 * ramp)
    return np.outer(smooth, smooth).astype(np.float32)


def place(crop: NDArray[np.uint8], weight: NDArray[np.float32], box: CropBox, move: Affine | None) -> Patch:
    """Resample a generated crop to the scale of the full frame.

    Args:
        crop: (n, n, 3) uint8 RGB.
        weight: (n, n) 0 to 1.
        box: The square of the full frame that the crop shows.
        move: Motion of the head in crop pixels since the time of the crop; `None` for none.

    Returns:
        The part that has any weight.
    """
    import cv2

    size = len(crop)
    interpolation = cv2.INTER_AREA if box.side < size else cv2.INTER_CUBIC
    pixels: Any = cv2.resize(crop.astype(np.float32), (box.side, box.side), interpolation=interpolation)
    blend: Any = cv2.resize(weight, (box.side, box.side), interpolation=cv2.INTER_LINEAR)
    if move is not None:
        matrix = _scaled(move, box.side / size)
        shape = (box.side, box.side)
        pixels = cv2.warpAffine(pixels, matrix, shape, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        blend = cv2.warpAffine(blend, matrix, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    rows, columns = np.flatnonzero(blend.any(axis=1)), np.flatnonzero(blend.any(axis=0))
    if not len(rows):
        return Patch(pixels[:0, :0], blend[:0, :0], box.x, box.y)
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    part = (slice(top, bottom), slice(left, right))
    return Patch(np.clip(pixels[part], 0, 255), blend[part], box.x + int(left), box.y + int(top))


def paste(planes: Planes, patch: Patch) -> None:
    """Blend `patch` into `planes`, in place. Samples without weight are not written."""
    height, width = planes.luma.shape
    top, left = max(0, patch.y), max(0, patch.x)
    bottom = min(height, patch.y + patch.weight.shape[0])
    right = min(width, patch.x + patch.weight.shape[1])
    if top >= bottom or left >= right:
        return
    part = (slice(top - patch.y, bottom - patch.y), slice(left - patch.x, right - patch.x))
    weight, ycc = patch.weight[part], planes.colour.from_rgb(patch.pixels[part])
    _blend(planes.luma[top:bottom, left:right], ycc[..., 0], weight)
    # Chroma has one sample for every 2x2 pixels: the patch is padded to whole samples.
    padding = ((top % 2, bottom % 2), (left % 2, right % 2))
    chroma_weight = _mean_2x2(np.pad(weight, padding))
    rows, columns = slice(top // 2, (bottom + 1) // 2), slice(left // 2, (right + 1) // 2)
    for plane, values in ((planes.blue, ycc[..., 1]), (planes.red, ycc[..., 2])):
        _blend(plane[rows, columns], _mean_2x2(np.pad(values, padding, mode="edge")), chroma_weight)


def _blend(target: NDArray[np.uint8], values: NDArray[np.float32], weight: NDArray[np.float32]) -> None:
    blended = np.clip(np.round(target + (values - target) * weight), 0, 255).astype(np.uint8)
    np.copyto(target, blended, where=weight > 0)


def _mean_2x2(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of blocks of 2x2."""
    height, width = values.shape
    means: NDArray[np.float32] = values.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return means


def _scaled(move: Affine, scale: float) -> Affine:
    """The same motion in pixels `scale` times smaller, relative to pixel centres as in OpenCV."""
    scaled = move.copy()
    scaled[:, 2] *= scale
    half = np.array([0.5, 0.5])
    scaled[:, 2] += scaled[:, :2] @ half - half
    return scaled
