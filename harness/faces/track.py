"""What is known about the face in every frame of a prepared clip, and its file format."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.errors import ClipError, Status

LANDMARKS = 478
"""Points of MediaPipe's face mesh: 468 of the face and 5 for each iris."""
BLENDSHAPES = 52
"""MediaPipe's expression coefficients, in its order."""


@dataclass(frozen=True)
class FaceTrack:
    """The followed face, frame by frame; T frames. Pixels are continuous: pixel i reaches from i to i + 1."""

    landmarks: NDArray[np.float32]
    """(T, 478, 3) x, y, z in crop pixels; z in the scale of x, smaller is nearer to the camera (MediaPipe's sign)."""
    pose: NDArray[np.float32]
    """(T, 4, 4) canonical face (centimetres; x to the image's right, y up, z to the camera) to the space of MediaPipe's
    camera (63 degrees high, at the origin, looking along -z) that looks at the crop: `harness.faces.head_pose`."""
    blendshapes: NDArray[np.float32]
    """(T, 52) expression coefficients, 0 to 1."""
    affine: NDArray[np.float64]
    """(T, 2, 3) full frame to crop: crop = affine @ (x, y, 1), in continuous pixels."""
    detected: NDArray[np.bool_]
    """(T,) False where the frame was interpolated from its neighbours."""

    def __post_init__(self) -> None:
        count = len(self.landmarks)
        shapes = {
            "landmarks": (count, LANDMARKS, 3),
            "pose": (count, 4, 4),
            "blendshapes": (count, BLENDSHAPES),
            "affine": (count, 2, 3),
            "detected": (count,),
        }
        for name, shape in shapes.items():
            actual = getattr(self, name).shape
            if actual != shape:
                raise ValueError(f"FaceTrack.{name} must have shape {shape}, not {actual}")

    def __len__(self) -> int:
        return len(self.landmarks)

    def yaw_degrees(self) -> NDArray[np.float32]:
        """(T,) turn of the head about the vertical; positive where the nose points to the image's right."""
        return yaw_degrees(self.pose)

    def pitch_degrees(self) -> NDArray[np.float32]:
        """(T,) nod of the head; positive where the nose points up."""
        return pitch_degrees(self.pose)

    def save(self, path: Path) -> None:
        """Write a compressed `.npz`; the same track gives the same bytes."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, array in self.arrays().items():
                # A fixed date: `np.savez` would write the present one into the file.
                entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(entry, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)

    @classmethod
    def load(cls, path: Path) -> FaceTrack:
        """Read what `save` wrote; nothing in the file is executed. `ClipError` (`decode_error`) for anything else."""
        try:
            with np.load(path, allow_pickle=False) as archive:
                return cls(**{field.name: archive[field.name] for field in fields(cls)})
        except Exception as error:  # Any exception at all can come out of hostile bytes.
            raise ClipError(Status.DECODE_ERROR, f"{path.name}: not a face track: {error}") from error

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The arrays by name, in the order of the fields."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def yaw_degrees(pose: NDArray[np.float32]) -> NDArray[np.float32]:
    """`FaceTrack.yaw_degrees` of poses (T, 4, 4)."""
    forward = pose[:, :3, 2]
    return np.degrees(np.arctan2(forward[:, 0], forward[:, 2])).astype(np.float32)


def pitch_degrees(pose: NDArray[np.float32]) -> NDArray[np.float32]:
    """`FaceTrack.pitch_degrees` of poses (T, 4, 4)."""
    forward = pose[:, :3, 2]
    return np.degrees(np.arctan2(forward[:, 1], np.hypot(forward[:, 0], forward[:, 2]))).astype(np.float32)


def load_pose(path: Path) -> NDArray[np.float32]:
    """Poses (T, 4, 4) of a saved track; its landmarks, most of the file, stay packed. Raises as `FaceTrack.load`."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return np.asarray(archive["pose"], dtype=np.float32)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ClipError(Status.DECODE_ERROR, f"{path.name}: not a face track: {error}") from error
