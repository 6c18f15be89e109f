"""What the follower found, in full-frame pixels and with gaps, as the complete `FaceTrack` in crop pixels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.faces.camera import move_pose
from harness.faces.crop import CropBox
from harness.faces.fill import interpolate, interpolate_poses
from harness.faces.landmarker import Face
from harness.faces.region import Region
from harness.faces.track import BLENDSHAPES, LANDMARKS, FaceTrack


def canonical_track(faces: Mapping[int, Face], count: int, frame: Region, box: CropBox, size: int) -> FaceTrack:
    """Track of `count` frames from `faces` by frame number, found in pictures as large as `frame`.

    Landmarks go through the crop's affine (z is scaled like x), poses to the camera that looks at the crop; frames
    that `faces` lacks are interpolated.
    """
    landmarks = np.zeros((count, LANDMARKS, 3), np.float32)
    poses = np.zeros((count, 4, 4), np.float32)
    shapes = np.zeros((count, BLENDSHAPES), np.float32)
    detected = np.zeros(count, bool)
    shift, scale = np.array([box.x, box.y, 0.0]), size / box.side
    for index, face in faces.items():
        landmarks[index] = (face.landmarks - shift) * scale
        poses[index] = move_pose(face.pose, frame, box.region())
        shapes[index] = face.blendshapes
        detected[index] = True
    return FaceTrack(
        landmarks=interpolate(landmarks, detected),
        pose=interpolate_poses(poses, detected),
        blendshapes=interpolate(shapes, detected),
        affine=np.repeat(box.affine(size)[None], count, axis=0),
        detected=detected,
    )
