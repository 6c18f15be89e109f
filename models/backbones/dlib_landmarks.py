"""The mouth of dlib's 68 face landmarks (Kazemi and Sullivan 2014), on which many papers measure lips.

dlib is an extra. The weights were trained on 300-W, whose terms exclude commercial use, so the user fetches them, once,
by a command.
"""

from __future__ import annotations

import importlib.util
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.assets.lookup import asset_path
from bench_lipsync.harness.errors import BenchError

ASSET = "dlib_landmarks"
MOUTH = range(48, 68)
"""Outer and inner outline of the lips: 20 of the 68 points."""
_UPSAMPLED = 1
"""Times that the picture is doubled before faces are looked for."""


class _Networks(NamedTuple):
    detector: Any
    predictor: Any


class DlibMouth:
    """Finds mouths. The weights take a second or two to load, and are loaded with the first picture.

    Raises `AssetMissing` while they are not in the cache, and `BenchError` where dlib is not installed.
    """

    def __init__(self) -> None:
        self._weights = asset_path(ASSET)
        if importlib.util.find_spec("dlib") is None:
            raise BenchError("dlib, which reads its landmarks, is not installed: pip install 'bench-lipsync[dlib]'")

    @cached_property
    def _networks(self) -> _Networks:
        import dlib

        return _Networks(dlib.get_frontal_face_detector(), dlib.shape_predictor(str(self._weights)))

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(20, 2) whole x, y in pixels of the mouth in `frame` (H, W, 3) RGB; NaN without a face.

        As in ATVGnet's script, faces are looked for in grey, and of several the last one counts.
        """
        import cv2

        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        boxes = self._networks.detector(grey, _UPSAMPLED)
        if not len(boxes):
            return np.full((len(MOUTH), 2), np.nan, np.float32)
        found = self._networks.predictor(grey, boxes[len(boxes) - 1])
        return np.array([(found.part(i).x, found.part(i).y) for i in MOUTH], np.float32)
