"""Builds the complete `FaceTrack` in crop pixels from tracked faces in full-frame pixels, which may have gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.faces.crop import CropBox
from bench_lipsync.harness.faces.head_pose import solve_poses
from bench_lipsync.harness.faces.landmarker import Face
from bench_lipsync.harness.faces.track import BLENDSHAPES, LANDMARKS, FaceTrack


def canonical_track(faces: dict[int, Face], count: int, box: CropBox, size: int) -> FaceTrack:
    """Track of `count` frames from `faces` by frame number, in full-frame pixels.

    Landmarks go through the crop's affine (z is scaled like x); frames that `faces` lacks are interpolated. Poses are
    then solved from the landmarks for the camera that looks at the crop, as FaceLandmarker would give them there.
    `faces` is emptied on the way: in a long clip there is no room for everything twice.
    """
    landmarks = np.zeros((count, LANDMARKS, 3), np.float32)
    shapes = np.zeros((count, BLENDSHAPES), np.float32)
    detected = np.zeros(count, bool)
    shift, scale = np.array([box.x, box.y, 0.0]), size / box.side
    for index in list(faces):
        face = faces.pop(index)
        landmarks[index] = (face.landmarks - shift) * scale
        shapes[index] = face.blendshapes
        detected[index] = True
    landmarks = interpolate(landmarks, detected)
    return FaceTrack(
        landmarks=landmarks,
        pose=solve_poses(landmarks, size, size),
        blendshapes=interpolate(shapes, detected),
        affine=np.repeat(box.affine(size)[None], count, axis=0),
        detected=detected,
    )


def interpolate(values: NDArray[np.float32], detected: NDArray[np.bool_]) -> NDArray[np.float32]:
    """`values` (T, ...) with the frames that are not `detected` (T,) interpolated linearly; ends are held."""
    known = np.flatnonzero(detected)
    if len(known) == len(detected):
        return values
    result = values.copy()
    for index in np.flatnonzero(~detected):
        after = int(np.searchsorted(known, index))
        left, right = known[max(after - 1, 0)], known[min(after, len(known) - 1)]
        weight = 0.0 if left == right else (index - left) / (right - left)
        result[index] = (1 - weight) * values[left] + weight * values[right]
    return result
