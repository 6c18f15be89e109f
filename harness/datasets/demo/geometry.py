"""The head as a smooth relief over the still, and the backward warp that turns it.

The relief is bounded in slope, so that the forward map of a rotation hardly folds and its inverse is found by
fixed-point iteration; what a real head would hide behind the far cheek becomes a narrow, compressed rim instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Float32 = NDArray[np.float32]

STRIDE = 2
"""The warp is solved on every second pixel and interpolated between: it is smooth."""
MAX_SLOPE = 1.3
"""Largest |d depth / d x|: at 36 degrees of yaw the far cheek keeps cos 36 - 1.3 sin 36 = 0.04 of its width."""
DEPTH_GAIN = 1.2
"""MediaPipe's depth is flatter than a head."""
PIVOT = 0.29
"""How far behind the cheek bones the axis of rotation lies, as a part of the face's width."""
FOCAL = 6.0
"""Camera distance as a multiple of the face's width (weak perspective)."""
ITERATIONS = 12


class Pose(NamedTuple):
    """Change of the head against the still: degrees, and pixels of the still for the translation."""

    yaw: float = 0.0
    """Positive turns the nose to the right of the picture."""
    pitch: float = 0.0
    """Positive lowers the nose."""
    roll: float = 0.0
    """Positive turns the head clockwise in the picture."""
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
    """0..1: how much of the head's motion this point takes part in; 0 at the border of the picture."""
    focal: float

    def displacement(self, pose: Pose) -> Float32:
        """Where points of the still go under `pose`, minus where they are: float32 (g, g, 2) pixels."""
        import numpy as np

        yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
        # Undo the still's own perspective, rotate about the pivot, project again.
        near = 1 - self.depth / self.focal
        x, y, z = self.x * near, self.y * near, self.depth
        x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
        y, z = y * np.cos(pitch) + z * np.sin(pitch), z * np.cos(pitch) - y * np.sin(pitch)
        x, z = x * np.cos(yaw) + z * np.sin(yaw), z * np.cos(yaw) - x * np.sin(yaw)
        scale = 1 / (1 - z / self.focal)
        moved = np.stack([x * scale - self.x + pose.shift_x, y * scale - self.y + pose.shift_y], axis=-1)
        return np.asarray(moved * self.follows[..., None], dtype=np.float32)


class _Outline(NamedTuple):
    """Sizes of the face in a still, pixels."""

    width: float
    """From ear to ear."""
    height: float
    """From the top of the forehead to the chin."""
    axis: float
    """Column of the middle between the ears."""
    level: float
    """Row of the middle between the ears."""
    head: tuple[float, float]
    """Middle of the head with its hair."""
    chin: tuple[float, float]


def _measure(points: NDArray[np.float64]) -> _Outline:
    import numpy as np

    chin, top, ears = points[152], points[10], points[[234, 454], :2]
    height = float(chin[1] - top[1])
    axis, level = float(ears[:, 0].mean()), float(ears[:, 1].mean())
    head = (axis, float((chin[1] + top[1]) / 2 - 0.12 * height))
    return _Outline(
        float(np.linalg.norm(ears[1] - ears[0])), height, axis, level, head, (float(chin[0]), float(chin[1]))
    )


def build_relief(landmarks: Float32, size: int) -> Relief:
    """Relief from MediaPipe's landmarks (478, 3) in pixels of a square still."""
    import numpy as np
    from scipy.interpolate import RBFInterpolator
    from scipy.ndimage import gaussian_filter

    points = landmarks.astype(np.float64)
    face = _measure(points)
    cheek = (points[50, 2] + points[280, 2]) / 2
    depth = PIVOT * face.width + DEPTH_GAIN * (cheek - points[:468, 2])
    around, levels = _surroundings(face)
    grid = np.arange(0, size, STRIDE) + (STRIDE - 1) / 2
    gx, gy = np.meshgrid(grid, grid)
    surface = RBFInterpolator(
        np.concatenate([points[:468:2, :2], around]),
        np.concatenate([depth[::2], levels]),
        neighbors=48,
        kernel="linear",
        smoothing=1.0,
    )
    relief = surface(np.stack([gx.ravel(), gy.ravel()], 1)).reshape(gx.shape)
    relief = _limit_slope(gaussian_filter(relief, 1.5), MAX_SLOPE * STRIDE)
    return Relief(
        size=size,
        x=np.asarray(gx - face.axis, dtype=np.float32),
        y=np.asarray(gy - (face.level + 0.25 * face.height), dtype=np.float32),
        depth=gaussian_filter(relief, 2.5).astype(np.float32),
        follows=_follows(gx, gy, face, size),
        focal=FOCAL * face.width,
    )


def _surroundings(face: _Outline) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points (n, 2) around the face and their depth: hair and skull near the axis, background behind, the neck."""
    import numpy as np

    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    ellipse = np.stack([np.cos(angle) * 0.64 * face.width, np.sin(angle) * 0.80 * face.height], 1)
    points, depths = [], []
    for radius, level in ((1.0, -0.04), (1.35, -0.1), (2.2, -0.1)):
        ring = np.asarray(face.head) + ellipse * radius
        below = ring[:, 1] - face.chin[1]
        ring = ring[(below < -0.1 * face.height) | (below > 0.16 * face.height)]
        points.append(ring)
        depths.append(np.full(len(ring), level * face.width))
    row = face.chin[1] + 0.2 * face.height
    points.append(np.stack([face.chin[0] + face.width * np.linspace(-0.3, 0.3, 5), np.full(5, row)], 1))
    depths.append(np.full(5, 0.02 * face.width))
    return np.concatenate(points), np.concatenate(depths)


def _limit_slope(field: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Nearest-from-above Lipschitz envelope along rows: no two neighbours differ by more than `step`."""
    out = field.copy()
    for column in range(1, out.shape[1]):
        out[:, column] = out[:, column].clip(min=out[:, column - 1] - step)
    for column in range(out.shape[1] - 2, -1, -1):
        out[:, column] = out[:, column].clip(min=out[:, column + 1] - step)
    return out


def _smoothstep(x: NDArray[np.float64]) -> NDArray[np.float64]:
    x = x.clip(0, 1)
    return x * x * (3 - 2 * x)


def _follows(gx: NDArray[np.float64], gy: NDArray[np.float64], face: _Outline, size: int) -> Float32:
    """1 on the head, falling to 0 at the border of the picture and to a little at the shoulders."""
    import numpy as np

    column, below_chin = gx - face.head[0], gy - face.chin[1]
    radius = np.hypot(column / (0.62 * face.width), (gy - face.head[1]) / (0.8 * face.height))
    border = np.minimum(np.minimum(gx, size - gx), gy) / (0.16 * size)
    head = 1 - _smoothstep((radius - 1.0) / 0.9)
    neck = 1 - _smoothstep((np.abs(column) / (0.62 * face.width) - 0.8) / 0.9)
    shoulders = 1 - 0.9 * _smoothstep((below_chin - 0.02 * face.height) / (size - face.chin[1]))
    low = _smoothstep((below_chin + 0.25 * face.height) / (0.35 * face.height))
    field = (head * (1 - low) + np.maximum(head, neck) * low) * shoulders
    return np.asarray(field * _smoothstep(border), dtype=np.float32)


def inverse_map(relief: Relief, pose: Pose, start: Float32 | None = None) -> Float32:
    """Backward map of `pose`: for every `STRIDE`-th output pixel the pixel of the still to look up, float32 (g, g, 2).

    `start` is a neighbouring frame's map and speeds up convergence; the result depends on it by less than 0.1 pixels.
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
