"""A synthetic head as landmarks, which turns and opens its mouth."""

from __future__ import annotations

import math

import numpy as np

from bench_lipsync.models.stylelipsync.mask.mesh import VERTICES


def head() -> np.ndarray:
    """A head-like half ellipsoid (468, 3) with the named vertices where a face has them; x right, y down, z away."""
    rng = np.random.default_rng(0)
    across, down = rng.uniform(-1.1, 1.1, VERTICES), rng.uniform(-0.9, 1.5, VERTICES)
    places = {10: (0, -0.9), 151: (0, -0.6), 9: (0, -0.35), 8: (0, -0.2), 168: (0, -0.05), 6: (0, 0.1), 197: (0, 0.2)}
    places |= {195: (0, 0.3), 5: (0, 0.4), 4: (0, 0.55), 2: (0, 0.7), 33: (-0.5, 0), 263: (0.5, 0), 133: (-0.2, 0)}
    places |= {362: (0.2, 0), 127: (-0.8, 0), 356: (0.8, 0), 162: (-0.8, -0.3), 389: (0.8, -0.3), 21: (-0.7, -0.6)}
    places |= {251: (0.7, -0.6), 54: (-0.5, -0.8), 284: (0.5, -0.8), 234: (-0.85, 0.2), 454: (0.85, 0.2)}
    places |= {93: (-0.84, 0.4), 323: (0.84, 0.4), 61: (-0.3, 0.9), 291: (0.3, 0.9), 0: (0, 0.82), 17: (0, 1.0)}
    places |= {13: (0, 0.9), 14: (0, 0.9), 152: (0, 1.4), 148: (-0.2, 1.37), 377: (0.2, 1.37)}
    for vertex, (x, y) in places.items():
        across[vertex], down[vertex] = x, y
    inside = np.clip(1 - (across / 1.2) ** 2 - ((down - 0.2) / 1.5) ** 2, 0, 1)
    depth = -np.sqrt(inside)
    depth[[234, 93, 454, 323]] = 0.3
    return np.stack([across, down, depth], axis=1)


def turn(yaw: float) -> np.ndarray:
    angle = math.radians(yaw)
    return np.array([[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]])


def speak(shape: np.ndarray, opening: float) -> np.ndarray:
    """Lower lip and chin go down by `opening`, which must not change the mask."""
    moved = shape.copy()
    moved[[17, 14, 152, 148, 377], 1] += opening
    return moved


def film(openings: np.ndarray, yaws: np.ndarray, size: int = 256) -> np.ndarray:
    shapes = [speak(head(), opening) @ turn(yaw).T for opening, yaw in zip(openings, yaws, strict=True)]
    points = np.array([[0.5, 0.42, 0]]) * size + 0.27 * size * np.stack(shapes)
    return np.concatenate([points, np.zeros((len(points), 10, 3))], axis=1).astype(np.float32)
