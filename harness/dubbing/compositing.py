"""Generated crops back in the full frame; every pixel outside the blend stays as the source had it, bit for bit."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.dubbing.head_motion import Affine
from bench_lipsync.harness.faces.crop import CropBox
from bench_lipsync.harness.media.yuv_planes import Planes

_STEEPNESS = 8.0
"""The model's own frames are blended already along its soft mask. Blending them once more with the same mask would let
the crop's resampled copy of the surroundings in twice, so they are taken in full from an eighth of the mask on."""
_BORDER = 0.08  # of the crop's side: blend of models that do not say what they keep


class Patch(NamedTuple):
    """What to put into a frame."""

    picture: NDArray[np.float32]
    """(h, w, 3) RGB, 0 to 255"""
    weight: NDArray[np.float32]
    """(h, w) 0 to 1"""
    x: int
    """Column of the full frame where it begins; may lie outside."""
    y: int


def weight_of(keep: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much of a generated crop to take, given what the model kept of the real one: both (n, n) in 0 to 1."""
    weight: NDArray[np.float32] = np.clip((1 - keep) * _STEEPNESS, 0, 1).astype(np.float32)
    return weight


def border_weight(size: int) -> NDArray[np.float32]:
    """Weight (size, size) for a model that may have changed anything: all of the crop, fading out at its border."""
    centre = np.arange(size) + 0.5
    ramp = np.clip(np.minimum(centre, size - centre) / (_BORDER * size), 0, 1)
    smooth = ramp * ramp * (3 - 2 * ramp)
    return np.outer(smooth, smooth).astype(np.float32)


def place(crop: NDArray[np.uint8], weight: NDArray[np.float32], box: CropBox, move: Affine | None) -> Patch:
    """Bring a generated `crop` (n, n, 3) and its `weight` (n, n) to the full frame's scale.

    `move` is the head's motion in crop pixels since the crop's moment. Only the part with weight comes back.
    """
    import cv2

    size = len(crop)
    how = cv2.INTER_AREA if box.side < size else cv2.INTER_CUBIC
    picture: Any = cv2.resize(crop.astype(np.float32), (box.side, box.side), interpolation=how)
    blend: Any = cv2.resize(weight, (box.side, box.side), interpolation=cv2.INTER_LINEAR)
    if move is not None:
        matrix = _scaled(move, box.side / size)
        shape = (box.side, box.side)
        picture = cv2.warpAffine(picture, matrix, shape, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        blend = cv2.warpAffine(blend, matrix, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    rows, columns = np.flatnonzero(blend.any(axis=1)), np.flatnonzero(blend.any(axis=0))
    if not len(rows):
        return Patch(picture[:0, :0], blend[:0, :0], box.x, box.y)
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    part = (slice(top, bottom), slice(left, right))
    return Patch(np.clip(picture[part], 0, 255), blend[part], box.x + int(left), box.y + int(top))


def paste(planes: Planes, patch: Patch) -> None:
    """Blend `patch` into `planes`, in place. Samples that it gives no weight are not written."""
    height, width = planes.luma.shape
    top, left = max(0, patch.y), max(0, patch.x)
    bottom = min(height, patch.y + patch.weight.shape[0])
    right = min(width, patch.x + patch.weight.shape[1])
    if top >= bottom or left >= right:
        return
    part = (slice(top - patch.y, bottom - patch.y), slice(left - patch.x, right - patch.x))
    weight, ycc = patch.weight[part], planes.colour.from_rgb(patch.picture[part])
    _blend(planes.luma[top:bottom, left:right], ycc[..., 0], weight)
    # Chroma has a sample for every two by two pixels: the patch is widened to whole ones.
    around = ((top % 2, bottom % 2), (left % 2, right % 2))
    quarter = _quarter(np.pad(weight, around))
    rows, columns = slice(top // 2, (bottom + 1) // 2), slice(left // 2, (right + 1) // 2)
    for plane, values in ((planes.blue, ycc[..., 1]), (planes.red, ycc[..., 2])):
        _blend(plane[rows, columns], _quarter(np.pad(values, around, mode="edge")), quarter)


def _blend(target: NDArray[np.uint8], values: NDArray[np.float32], weight: NDArray[np.float32]) -> None:
    mixed = np.clip(np.round(target + (values - target) * weight), 0, 255).astype(np.uint8)
    np.copyto(target, mixed, where=weight > 0)


def _quarter(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of two by two."""
    height, width = values.shape
    means: NDArray[np.float32] = values.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return means


def _scaled(move: Affine, scale: float) -> Affine:
    """The same motion in pixels `scale` times smaller, counted from pixel centres as OpenCV does."""
    moved = move.copy()
    moved[:, 2] *= scale
    half = np.array([0.5, 0.5])
    moved[:, 2] += moved[:, :2] @ half - half
    return moved
