"""Relief of a head from its landmarks: face, hair, neck, and how far each of them follows the head's motion."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench_lipsync.harness.datasets.demo.geometry import STRIDE, Relief, smoothstep

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Float32 = NDArray[np.float32]

MAX_SLOPE = 1.3
"""Largest |d depth / d x|: at 36 degrees of yaw the far cheek keeps cos 36 - 1.3 sin 36 = 0.04 of its width."""
DEPTH_GAIN = 1.2
"""MediaPipe underestimates the depth of a head."""
PIVOT = 0.29
"""Distance of the rotation axis behind the cheek bones, relative to the face width."""
FOCAL = 6.0
"""Camera distance as a multiple of the face's width (weak perspective)."""


class _Outline(NamedTuple):
    """Measurements of the face in a portrait, pixels."""

    width: float
    """Ear to ear."""
    height: float
    """Top of the forehead to the chin."""
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
    """Smallest Lipschitz envelope from above along rows: neighbours differ by `step` at most."""
    out = field.copy()
    for column in range(1, out.shape[1]):
        out[:, column] = out[:, column].clip(min=out[:, column - 1] - step)
    for column in range(out.shape[1] - 2, -1, -1):
        out[:, column] = out[:, column].clip(min=out[:, column + 1] - step)
    return out


def _follows(gx: NDArray[np.float64], gy: NDArray[np.float64], face: _Outline, size: int) -> Float32:
    """1 on the head, falling to 0 at the border of the frame and to 0.1 at the shoulders."""
    import numpy as np

    column, below_chin = gx - face.head[0], gy - face.chin[1]
    radius = np.hypot(column / (0.62 * face.width), (gy - face.head[1]) / (0.8 * face.height))
    border = np.minimum(np.minimum(gx, size - gx), gy) / (0.16 * size)
    head = 1 - smoothstep((radius - 1.0) / 0.9)
    neck = 1 - smoothstep((np.abs(column) / (0.62 * face.width) - 0.8) / 0.9)
    shoulders = 1 - 0.9 * smoothstep((below_chin - 0.02 * face.height) / (size - face.chin[1]))
    low = smoothstep((below_chin + 0.25 * face.height) / (0.35 * face.height))
    field = (head * (1 - low) + np.maximum(head, neck) * low) * shoulders
    return np.asarray(field * smoothstep(border), dtype=np.float32)
