"""Faces in one frame: a thin wrapper around MediaPipe's FaceLandmarker (Tasks API).

It runs in IMAGE mode: what it returns depends on the picture alone, so the same frames give the same bytes wherever a
clip begins. (VIDEO mode smooths over time, which would also delay the lips, and gave the same points for single faces.)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.faces.head_pose import solve_poses
from bench_lipsync.harness.faces.region import Region, full_region
from bench_lipsync.harness.util.telemetry import block_usage_reports

MAX_FACES = 4
"""Most faces looked for in a picture."""

_LIBRARIES = (
    "Its wheel needs libEGL.so.1 and libGLESv2.so.2, and OpenCV's libGL.so.1 and libglib-2.0.so.0 from the system: "
    "on Debian and Ubuntu, apt-get install libegl1 libgles2 libgl1 libglib2.0-0"
)
_SAME_FACE = 0.5  # overlap from which two detections are one face
_SMALLEST = 16  # pixels; no face is detected in fewer
_TILE_SIDES = (1.0, 0.5)
"""Sides of the squares in parts of the picture's shorter side; finds faces down to a fifteenth of that side."""


@dataclass(frozen=True, eq=False)  # arrays have no single answer to ==
class Face:
    """A face in a picture."""

    landmarks: NDArray[np.float32]
    """(478, 3) x, y, z in pixels of the frame."""
    pose: NDArray[np.float32]
    """(4, 4) canonical face to MediaPipe's camera looking at the frame."""
    blendshapes: NDArray[np.float32]
    """(52,) expression coefficients."""
    box: Region
    """Bounding box of the landmarks."""


class Landmarker:
    """FaceLandmarker, loaded once; a context manager.

    Needs the asset `face_landmarker`; raises `harness.assets.lookup.AssetMissing` without it, and `BenchError` naming
    the system libraries where MediaPipe cannot be loaded.
    """

    def __enter__(self) -> Landmarker:
        from bench_lipsync.harness.assets.lookup import asset_path

        model = asset_path("face_landmarker")
        block_usage_reports()
        try:
            with _silent_stderr():
                self._task = _load(model.read_bytes())
                self._detect(np.zeros((64, 64, 3), np.uint8))  # the first call prints
        except (ImportError, OSError) as error:
            raise BenchError(f"MediaPipe cannot be loaded: {error}. {_LIBRARIES}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.close()

    def faces(self, picture: NDArray[np.uint8], region: Region | None = None) -> list[Face]:
        """Faces in `picture` (H, W, 3) uint8 RGB, largest first; only within `region` where one is given."""
        frame_region = full_region(picture)
        region = frame_region if region is None else region.inside(frame_region)
        if min(region.width, region.height) < _SMALLEST:
            return []
        result = self._detect(region.cut(picture))
        zipped = zip(result.face_landmarks, result.facial_transformation_matrixes, result.face_blendshapes, strict=True)
        detections = [_face(points, matrix, shapes, region, frame_region) for points, matrix, shapes in zipped]
        detections.sort(key=lambda face: -face.box.side)
        distinct: list[Face] = []
        for face in detections:
            if all(face.box.overlap(other.box) < _SAME_FACE for other in distinct):
                distinct.append(face)
        return distinct

    def _detect(self, picture: NDArray[np.uint8]) -> Any:
        import mediapipe

        # mp.Image reads the memory row by row without asking for strides: anything not contiguous would come out
        # as garbage, without an error.
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
        return self._task.detect(image)


def search(landmarker: Landmarker, picture: NDArray[np.uint8], region: Region | None = None) -> list[Face]:
    """Faces in squares of `picture` (H, W, 3) that overlap by half, large squares first; the first size with a find."""
    area = full_region(picture) if region is None else region.inside(full_region(picture))
    for part in _TILE_SIDES:
        faces: list[Face] = []
        for tile in _tiles(area, part * min(area.width, area.height)):
            for face in landmarker.faces(picture, tile):
                if all(face.box.overlap(other.box) == 0 for other in faces):
                    faces.append(face)
        if faces:
            return faces
    return []


def _tiles(area: Region, side: float) -> list[Region]:
    columns, rows = _starts(area.width, side), _starts(area.height, side)
    return [Region(area.x + x, area.y + y, side, side) for y in rows for x in columns]


def _starts(length: float, side: float) -> list[float]:
    if side <= 0:
        return []
    steps = int(np.ceil((length - side) / (side / 2))) + 1
    return [float(start) for start in np.linspace(0, length - side, max(1, steps))]


def _load(model: bytes) -> Any:
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        # Bytes, because the library fails on paths with non-ASCII letters.
        base_options=BaseOptions(model_asset_buffer=model),
        num_faces=MAX_FACES,
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
    )
    return vision.FaceLandmarker.create_from_options(options)


def _face(points: Any, matrix: NDArray[np.float32], shapes: Any, region: Region, picture: Region) -> Face:
    scale = np.array([region.width, region.height, region.width])
    shift = np.array([region.x, region.y, 0.0])
    landmarks = (np.array([(p.x, p.y, p.z) for p in points]) * scale + shift).astype(np.float32)
    if region == picture:
        pose = np.asarray(matrix, np.float32)
    else:
        pose = solve_poses(landmarks[None], picture.width, picture.height)[0]
    return Face(
        landmarks=landmarks,
        pose=pose,
        blendshapes=np.array([shape.score for shape in shapes], np.float32),
        box=Region.around(landmarks),
    )


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Drop what C++ libraries write to standard error meanwhile; Python's exceptions are not touched."""
    sys.stderr.flush()
    saved, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nothing)
