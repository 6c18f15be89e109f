"""Head pose from landmarks: MediaPipe's face geometry, computed here so that every cut-out of a picture has its own.

The method is the one behind FaceLandmarker's transformation matrices (a weighted orthogonal Procrustes fit of the
canonical face to the landmarks, placed in front of a pinhole camera that looks at the picture) and reproduces them. It
is repeated here because a matrix belongs to the picture it was found in: in a crop the same face has another one.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

VERTICAL_FOV_DEGREES = 63.0
"""Height of the view of the camera that is assumed."""

_Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CanonicalFace:
    """The average face that poses refer to."""

    vertices: NDArray[np.float64]
    """(468, 3) centimetres; x to the image's right in a frontal view, y up, z towards the camera."""
    weights: NDArray[np.float64]
    """(468,) how much each point counts when a pose is fitted; 0 for most."""


@lru_cache(maxsize=1)
def canonical_face() -> CanonicalFace:
    """MediaPipe's canonical face (Apache-2.0), as the asset `face_landmarker` carries it."""
    data = resources.files(__package__).joinpath("canonical_face.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return CanonicalFace(archive["vertices"].astype(np.float64), archive["weights"].astype(np.float64))


def focal_length(height: float) -> float:
    """Distance of the image plane, in pixels, for a picture of `height` pixels."""
    return height / 2 / math.tan(math.radians(VERTICAL_FOV_DEGREES) / 2)


def solve_poses(
    landmarks: NDArray[np.float32], width: float, height: float, face: CanonicalFace | None = None
) -> NDArray[np.float32]:
    """(T, 4, 4) canonical face to camera space, for `landmarks` (T, 478, 3) in pixels of a `width` x `height` picture.

    Camera space: centimetres, the camera at the origin looking along -z, x to the image's right, y up.
    """
    face = face or canonical_face()
    used = np.flatnonzero(face.weights)
    source, weights = face.vertices[used], face.weights[used]
    # On the image plane at distance 1: pixels over the focal length, origin in the middle, y up, z in the scale of x.
    plane = landmarks[:, used].astype(np.float64) / focal_length(height)
    middle = np.array([width, height]) / 2 / focal_length(height)
    plane[..., 0] -= middle[0]
    plane[..., 1] = middle[1] - plane[..., 1]
    depth = plane[..., 2] - (landmarks[:, : len(face.weights), 2].mean(axis=1, keepdims=True) / focal_length(height))
    # How large the face is decides how far away it is, and that changes the perspective: two rounds settle it.
    flat = np.stack([plane[..., 0], plane[..., 1], -plane[..., 2]], axis=-1)
    scale = _scale(procrustes(source, flat, weights))
    scale = scale * _scale(procrustes(source, _unproject(plane, depth, scale), weights))
    return procrustes(source, _unproject(plane, depth, scale), weights).astype(np.float32)


def project(
    pose: NDArray[np.float32], points: NDArray[np.floating], width: float, height: float
) -> NDArray[np.float64]:
    """Continuous pixels (N, 2) of `points` (N, 3; centimetres on the canonical face) seen under `pose` (4, 4)."""
    placed = points.astype(np.float64) @ pose[:3, :3].T.astype(np.float64) + pose[:3, 3]
    scale = focal_length(height) / -placed[:, 2]
    return np.stack([width / 2 + placed[:, 0] * scale, height / 2 - placed[:, 1] * scale], axis=1)


def _unproject(plane: _Array, depth: _Array, scale: _Array) -> _Array:
    away = (1 + depth) / scale[:, None]
    return np.stack([plane[..., 0] * away, plane[..., 1] * away, -away], axis=-1)


def _scale(transforms: _Array) -> _Array:
    norm: _Array = np.linalg.norm(transforms[:, :3, 0], axis=1)
    return norm


def procrustes(source: _Array, target: _Array, weights: _Array) -> _Array:
    """(T, 4, 4) similarities that bring `source` (N, 3) nearest to `target` (T, N, 3), weighted least squares."""
    share = weights / weights.sum()
    source_centre, target_centre = share @ source, np.einsum("n,tnk->tk", share, target)
    centred, aimed = source - source_centre, target - target_centre[:, None]
    left, _, right = np.linalg.svd(np.einsum("n,tni,nj->tij", share, aimed, centred))
    left[np.linalg.det(left @ right) < 0, :, 2] *= -1
    rotation = left @ right
    scale = np.einsum("n,tni,tij,nj->t", share, aimed, rotation, centred)
    scale /= np.einsum("n,ni,ni->", share, centred, centred)
    result = np.tile(np.eye(4), (len(target), 1, 1))
    result[:, :3, :3] = scale[:, None, None] * rotation
    result[:, :3, 3] = target_centre - result[:, :3, :3] @ source_centre
    return result
