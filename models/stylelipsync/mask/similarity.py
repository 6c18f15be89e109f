"""Least-squares similarity transforms between point sets (Umeyama, 1991), for many frames at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


class Similarity(NamedTuple):
    """`y = scale * rotation @ x + translation`, one for every frame."""

    scale: Points
    """(T,)"""
    rotation: Points
    """(T, 3, 3)"""
    translation: Points
    """(T, 3)"""

    def apply(self, points: Points) -> Points:
        """Transform `points` (N, 3) by every frame's transform, or (T, N, 3) frame by frame, to (T, N, 3)."""
        return self.scale[:, None, None] * (points @ self.rotation.swapaxes(1, 2)) + self.translation[:, None]

    def undo(self, points: Points) -> Points:
        """Inverse of `apply` for `points` (T, N, 3)."""
        return ((points - self.translation[:, None]) / self.scale[:, None, None]) @ self.rotation


def fit(source: Points, target: Points) -> Similarity:
    """The similarities that bring `source` (N, 3) closest to every `target` (T, N, 3); N >= 3, not collinear."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=1)
    centred = source - source_mean
    covariance = (target - target_mean[:, None]).swapaxes(1, 2) @ centred / len(source)
    u, singular, vt = np.linalg.svd(covariance)
    # A reflection may fit better; it is no pose.
    signs = np.ones_like(singular)
    signs[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * signs[:, None]) @ vt
    scale = (singular * signs).sum(axis=1) / centred.var(axis=0).sum()
    translation = target_mean - scale[:, None] * (rotation @ source_mean)
    return Similarity(scale, rotation, translation)
