"""Relief of a head over its portrait, and the backward warp that rotates it.

The slope of the relief is bounded, so that the forward map of a rotation hardly folds and fixed-point iteration finds
its inverse. Parts that a real head would occlude become a narrow, compressed rim at the far cheek.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Float32 = NDArray[np.float32]
    Field = NDArray[np.floating[Any]]

STRIDE = 2
"""The warp is smooth: it is solved on every second pixel and interpolated."""
ITERATIONS = 12


class Pose(NamedTuple):
    """Head pose relative to the portrait: degrees, and portrait pixels for the translation."""

    yaw: float = 0.0
    """Positive turns the nose to the right of the frame."""
    pitch: float = 0.0
    """Positive lowers the nose."""
    roll: float = 0.0
    """Positive turns the head clockwise in the frame."""
    shift_x: float = 0.0
    shift_y: float = 0.0


@dataclass(frozen=True)
class Relief:
    """The head over a still of `size` x `size` pixels, sampled every `STRIDE` pixels: float32 (g, g) fields."""

    size: int
    x: Float32
    """Pixels right of the pivot."""
    y: Float32
    """Pixels below the pivot."""
    depth: Float32
    """Pixels towards the camera from the pivot."""
    follows: Float32
    """0..1: weight of the head's motion; 0 at the border of the frame."""
    focal: float

    def displacement(self, pose: Pose) -> Float32:
        """Displacement of the portrait's points under `pose`: float32 (g, g, 2) pixels."""
        import numpy as np

        yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
        # Undo the portrait's own perspective, rotate about the pivot, project again.
        near = 1 - self.depth / self.focal
        x, y, z = self.x * near, self.y * near, self.depth
        x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
        y, z = y * np.cos(pitch) + z * np.sin(pitch), z * np.cos(pitch) - y * np.sin(pitch)
        x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
        scale = 1 / (1 - z / self.focal)
        moved = np.stack([x * scale - self.x + pose.shift_x, y * scale - self.y + pose.shift_y], axis=-1)
        return np.asarray(moved * self.follows[..., None], dtype=np.float32)


def smoothstep(x: Field) -> Field:
    """Smooth transition from 0 to 1 over `x` in 0..1."""
    x = x.clip(0, 1)
    return x * x * (3 - 2 * x)


def inverse_map(relief: Relief, pose: Pose, start: Float32 | None = None) -> Float32:
    """Backward map of a pose.

    Args:
        relief: The head.
        pose: Its pose.
        start: A neighbouring frame's map, which speeds up convergence; it changes the result by less than 0.1 pixels.

    Returns:
        Float32 (g, g, 2): the source pixel of every `STRIDE`-th output pixel.
    """
    import cv2
    import numpy as np

    field = relief.displacement(pose)
    size = field.shape[0]
    line = np.arange(size, dtype=np.float32) * STRIDE + (STRIDE - 1) / 2
    home = np.stack(np.meshgrid(line, line), axis=-1)
    guess = home if start is None else start
    for _ in range(ITERATIONS):
        at = (guess - (STRIDE - 1) / 2) / STRIDE
        moved = cv2.remap(field, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        guess = home - moved
    return np.asarray(guess, dtype=np.float32)
