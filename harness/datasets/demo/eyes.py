"""Blinks and brows in the plane of the portrait: small vertical backward warps around each eye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Float32 = NDArray[np.float32]

_RIGHT = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133), (105, 52))
_LEFT = ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263), (334, 282))


@dataclass(frozen=True)
class EyeRig:
    """One eye's window; float32 (h, w) arrays in window pixels."""

    top: int
    left: int
    x: Float32
    y: Float32
    upper: Float32
    """(1, w) rows of the upper lid's edge."""
    lower: Float32
    """(1, w) rows of the lower lid's edge."""
    brow: float
    """Row of the brow."""


def build_eyes(landmarks: Float32) -> tuple[EyeRig, EyeRig]:
    """Measure both eyes; `landmarks` (478, 3) in pixels of the still."""
    return _build(landmarks, *_RIGHT), _build(landmarks, *_LEFT)


def _build(landmarks: Float32, upper: tuple[int, ...], lower: tuple[int, ...], brow: tuple[int, ...]) -> EyeRig:
    import numpy as np

    up, low = landmarks[list(upper), :2], landmarks[list(lower), :2]
    width = float(up[-1, 0] - up[0, 0])
    brow_row = float(landmarks[list(brow), 1].mean())
    left, right = int(up[0, 0] - 0.25 * width), int(up[-1, 0] + 0.25 * width)
    top, bottom = int(brow_row - 0.7 * width), int(low[:, 1].max() + 0.3 * width)
    y, x = np.mgrid[0 : bottom - top, 0 : right - left].astype(np.float32)
    columns = x[0] + left
    return EyeRig(
        top=top,
        left=left,
        x=x,
        y=y,
        upper=np.interp(columns, up[:, 0], up[:, 1])[None].astype(np.float32) - top,
        lower=np.interp(columns, low[:, 0], low[:, 1])[None].astype(np.float32) - top,
        brow=brow_row - top,
    )


def move_eyes(image: NDArray[np.uint8], rigs: tuple[EyeRig, EyeRig], closed: float, brow: float) -> None:
    """Close the lids by `closed` (0..1) and raise the brows by `brow` pixels, in place in `image` (H, W, 3)."""
    if closed < 0.01 and abs(brow) < 0.01:
        return
    import cv2
    import numpy as np

    for rig in rigs:
        height, width = rig.y.shape
        lid = rig.upper + (0.97 * closed) * (rig.lower - rig.upper)
        # Skin between brow and lid is stretched down over the eye; the eye itself does not move.
        start = rig.brow + 0.35 * (rig.upper - rig.brow)
        stretched = start + (rig.y - start) * (rig.upper - start) / np.maximum(lid - start, 1)
        source = np.where((rig.y > start) & (rig.y < lid), stretched, rig.y)
        fade = np.exp(-np.square((rig.y - rig.brow) / (0.5 * (rig.upper.min() - rig.brow))))
        fade = fade * np.sin(np.pi * (rig.x + 0.5) / width)
        fade *= np.clip(rig.y / (0.2 * height), 0, 1)
        rows = (source + brow * fade).astype(np.float32)
        window = image[rig.top : rig.top + height, rig.left : rig.left + width]
        window[:] = cv2.remap(window.copy(), rig.x, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
