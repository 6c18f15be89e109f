"""The head as a smooth relief over the still, and the backward warp that turns it.

The relief is bounded in slope, so that the forward map of a rotation has no folds and its inverse is found by fixed-point
iteration; what a real head would hide behind the far cheek becomes a narrow, compressed rim instead.
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


def build_relief(landmarks: Float32, size: int) -> Relief:
    """Relief from MediaPipe's landmarks (478, 3) in pixels of a square still."""
    import numpy as np
    from scipy.interpolate import RBFInterpolator
    from scipy.ndimage import gaussian_filter

    points = landmarks.astype(np.float64)
    width = float(np.linalg.norm(points[454, :2] - points[234, :2]))
    cheek = (points[50, 2] + points[280, 2]) / 2
    centre = (points[234, :2] + points[454, :2]) / 2
    chin, top = points[152], points[10]
    face_height = float(chin[1] - top[1])
    depth = PIVOT * width + DEPTH_GAIN * (cheek - points[:468, 2])
    # Head outline and what lies behind it: an ellipse of hair and skull at the pivot's depth, the neck below.
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    middle = np.array([centre[0], (chin[1] + top[1]) / 2 - 0.12 * face_height])
    anchors = [points[:468:2, :2]]
    values = [depth[::2]]
    for radius, level in ((1.0, -0.04), (1.35, -0.1), (2.2, -0.1)):
        ring = middle + np.stack([np.cos(angle) * 0.64 * width, np.sin(angle) * 0.80 * face_height], 1) * radius
        ring = ring[(ring[:, 1] < chin[1] - 0.1 * face_height) | (ring[:, 1] > chin[1] + 0.16 * face_height)]
        anchors.append(ring)
        values.append(np.full(len(ring), level * width))
    neck = np.stack([chin[0] + width * np.linspace(-0.3, 0.3, 5), np.full(5, chin[1] + 0.2 * face_height)], 1)
    anchors.append(neck)
    values.append(np.full(5, 0.02 * width))
    grid = np.arange(0, size, STRIDE) + (STRIDE - 1) / 2
    gx, gy = np.meshgrid(grid, grid)
    surface = RBFInterpolator(
        np.concatenate(anchors), np.concatenate(values), neighbors=48, kernel="linear", smoothing=1.0
    )
    relief = surface(np.stack([gx.ravel(), gy.ravel()], 1)).reshape(gx.shape)
    relief = _limit_slope(gaussian_filter(relief, 1.5), MAX_SLOPE * STRIDE)
    relief = gaussian_filter(relief, 2.5)
    return Relief(
        size=size,
        x=np.asarray(gx - centre[0], dtype=np.float32),
        y=np.asarray(gy - (centre[1] + 0.25 * face_height), dtype=np.float32),
        depth=relief.astype(np.float32),
        follows=_follows(gx, gy, middle, width, face_height, float(chin[1]), size),
        focal=FOCAL * width,
    )


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


def _follows(
    gx: NDArray[np.float64],
    gy: NDArray[np.float64],
    middle: NDArray[np.float64],
    width: float,
    height: float,
    chin: float,
    size: int,
) -> Float32:
    """1 on the head, falling to 0 at the border of the picture and to a little at the shoulders."""
    import numpy as np

    radius = np.hypot((gx - middle[0]) / (0.62 * width), (gy - middle[1]) / (0.8 * height))
    border = np.minimum(np.minimum(gx, size - gx), gy) / (0.16 * size)
    head = 1 - _smoothstep((radius - 1.0) / 0.9)
    shoulders = 1 - 0.9 * _smoothstep((gy - chin - 0.02 * height) / (size - chin))
    column = 1 - _smoothstep((np.abs(gx - middle[0]) / (0.62 * width) - 0.8) / 0.9)
    below = _smoothstep((gy - chin + 0.25 * height) / (0.35 * height))
    field = (head * (1 - below) + np.maximum(head, column) * below) * shoulders
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
