"""ArcFace (Deng et al. 2019): face identity as a vector. Alignment by five points, and the published MobileFaceNet.

The weights are InsightFace's `w600k_mbf` (WebFace600K), run by OpenCV. InsightFace gives its models for non-commercial
research only, so nothing here fetches them: the user does, once, by a command.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.assets.lookup import asset_path

ASSET = "arcface_mbf"
SIDE = 112
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where ArcFace wants the eyes, the tip of the nose and the corners of the mouth, in pixels of a 112x112 image; the
eye and the corner on the image's left come first."""
FIVE_POINTS = (468, 473, 4, 61, 291)
"""The same five in the face mesh: the irises' centres, the nose's tip, the mouth's corners."""


class ArcFace:
    """The network. Raises `AssetMissing` while its weights are not in the cache."""

    def __init__(self) -> None:
        import cv2

        self._network: Any = cv2.dnn.readNetFromONNX(np.frombuffer(asset_path(ASSET).read_bytes(), np.uint8))

    def __call__(self, face: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(512,) unit vector of an aligned face (112, 112, 3) RGB."""
        image = (face.astype(np.float32) - 127.5) / 127.5
        self._network.setInput(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
        vector = np.array(self._network.forward()[0], np.float32)
        return vector / np.float32(np.linalg.norm(vector))


def alignment(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(2, 3) similarity that brings five points (5, 2) in continuous pixels nearest to `TEMPLATE`, by least squares.

    Raises `ValueError` where all points coincide.
    """
    # A similarity without mirroring is a product of complex numbers: q = a p + b.
    source = points[:, 0].astype(np.float64) + 1j * points[:, 1].astype(np.float64)
    target = TEMPLATE[:, 0] + 1j * TEMPLATE[:, 1]
    centred = source - source.mean()
    power = float(np.square(np.abs(centred)).sum())
    if not power > 1e-6:
        raise ValueError("the five points of the face coincide")
    a = (np.conj(centred) * (target - target.mean())).sum() / power
    b = target.mean() - a * source.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def align(frame: NDArray[np.uint8], points: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(112, 112, 3) the face of a frame (H, W, 3), moved so that its five points (5, 2) fit the template; bilinear."""
    import cv2

    return np.asarray(cv2.warpAffine(frame, alignment(points), (SIDE, SIDE), flags=cv2.INTER_LINEAR), np.uint8)


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Cosine of two unit vectors (d,), -1 to 1."""
    return float(np.clip(a.astype(np.float64) @ b, -1.0, 1.0))
