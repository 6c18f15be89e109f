"""Aligned grey mouth crops for the open SyncNet, cut by the landmarks of a face track."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EYES = (33, 263)
"""Outer corners of the eye that is left in the image and of the other."""
_LIPS = (13, 14, 61, 291)
"""Middle of the upper and of the lower lip, and the two corners."""
_NOSE, _CHIN = 1, 152
_SMOOTH = 9
"""Frames of the moving average: the crop must follow the head and not the jaw."""


def mouth_frames(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Where the mouth crop lies in every frame: (T, 4) of centre x, centre y, side (pixels), angle (radians).

    `landmarks` is (T, 478, 3) in pixels. The centre is the mouth's, the angle the eye line's, the side 1.1 times the
    larger of the eyes' distance and 1.3 times nose to chin (one of the two survives a turned or nodding head);
    all smoothed over nine frames, with the first and the last frame repeated beyond the ends.
    """
    from scipy.ndimage import uniform_filter1d

    points = landmarks[..., :2].astype(np.float64)
    centre = points[:, _LIPS].mean(axis=1)
    eyes = points[:, _EYES[1]] - points[:, _EYES[0]]
    chin = np.linalg.norm(points[:, _CHIN] - points[:, _NOSE], axis=-1)
    side = 1.1 * np.maximum(np.linalg.norm(eyes, axis=-1), 1.3 * chin)
    # The mean of angles goes over the unit vector, so that nothing jumps at 180 degrees.
    direction = eyes / np.maximum(np.linalg.norm(eyes, axis=-1, keepdims=True), 1e-6)
    raw = np.column_stack([centre, side, direction])
    smooth = uniform_filter1d(raw, _SMOOTH, axis=0, mode="nearest")
    return np.column_stack([smooth[:, :3], np.arctan2(smooth[:, 4], smooth[:, 3])])


def crop_mouths(
    frames: NDArray[np.uint8], where: NDArray[np.float64], size: int = 64, margin: float = 1.0
) -> NDArray[np.uint8]:
    """(n, size, size) uint8 grey crops of (n, H, W, 3) RGB frames; `margin` widens the side that `where` gives.

    Beyond the image the nearest pixel is repeated. Crops that shrink the image are blurred first.
    """
    import cv2

    crops = np.empty((len(frames), size, size), np.uint8)
    for i, (frame, (x, y, side, angle)) in enumerate(zip(frames, where, strict=True)):
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        step = side * margin / size  # source pixels per crop pixel
        if step > 1.5:
            grey = cv2.GaussianBlur(grey, (0, 0), 0.4 * step)
        cos, sin = np.cos(angle) * step, np.sin(angle) * step
        middle = (size - 1) / 2
        to_source = np.array(
            [[cos, -sin, x - cos * middle + sin * middle], [sin, cos, y - sin * middle - cos * middle]]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        crops[i] = cv2.warpAffine(grey, to_source, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return crops
