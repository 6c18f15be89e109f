"""The Basel Face Model in the form of Deep3DFaceRecon (Deng et al., 2019): a mean face, 80 identities, 64 expressions.

The model is licensed by the University of Basel for research, to those who register, and ships with nothing here: a
user who has it names the folder. Numbers of the camera and the order of coefficients are the published ones.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.matlab import MatError, read_mat
from bench_lipsync.harness.serialization.weights import RefusedFileError
from bench_lipsync.harness.util.paths import cache_dir

FOLDER_VARIABLE = "BENCH_BFM"
IDENTITIES, EXPRESSIONS = 80, 64
CROP = 224
"""Side of the network's image in pixels."""
FOCAL = 1015.0
CAMERA_DISTANCE = 10.0
"""Decimetres from the camera to the origin of the face."""

_D3D = "https://github.com/sicxu/Deep3DFaceRecon_pytorch"
_BASEL = (
    "register at https://faces.dmi.unibas.ch/bfm/ for 01_MorphableModel.mat (research licence of the University of"
    f" Basel) and let the script of {_D3D} (MIT) make BFM_model_front.mat of it"
)
SOURCES = {
    "BFM_model_front.mat": _BASEL,
    "similarity_Lm3D_all.mat": f"it lies in the folder BFM of {_D3D} (MIT)",
    "epoch_20.pth": f"the page of {_D3D} links the trained network (for research, as the face model that it speaks of)",
}
"""Every file of the folder and where to get it."""


class BfmMissing(BenchError):  # noqa: N818 - says what happened, as AssetMissing does
    """A file of the Basel Face Model predictor is missing; the message says which, where from and under what terms."""


@dataclass(frozen=True)
class FaceBasis:
    """A linear face model; decimetres, x to the image's right, y up, z to the camera, the mean vertex at the origin."""

    mean: NDArray[np.float32]
    """(N, 3)"""
    identity: NDArray[np.float32]
    """(N, 3, 80)"""
    expression: NDArray[np.float32]
    """(N, 3, 64)"""
    triangles: NDArray[np.int32]
    """(F, 3)"""
    keypoints: NDArray[np.int64]
    """(68,) vertices of the usual 68 landmarks."""

    def shapes(
        self, identity: NDArray[np.float32], expression: NDArray[np.float32], vertices: Any = slice(None)
    ) -> NDArray[np.float32]:
        """Faces (T, n, 3) of coefficients (T, 80) and (T, 64), or of the chosen `vertices` only."""
        faces: NDArray[np.float32] = (
            self.mean[vertices]
            + np.tensordot(identity, self.identity[vertices], (1, 2))
            + np.tensordot(expression, self.expression[vertices], (1, 2))
        )
        return faces


def bfm_folder() -> Path:
    """Where the user's files are: the folder that `BENCH_BFM` names, else `bfm` in the cache."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else cache_dir() / "bfm"


def bfm_file(folder: Path, name: str) -> Path:
    """One of the files of `folder`. Raises `BfmMissing`."""
    path = folder / name
    if not path.is_file():
        raise BfmMissing(
            f"mesh 'bfm' needs {name}, which is not in {folder}: {SOURCES[name]}; put it there or name another folder"
            f" in {FOLDER_VARIABLE}. Without it, mesh 'mediapipe' needs nothing"
        )
    return path


def load_basis(folder: Path) -> FaceBasis:
    """Read `BFM_model_front.mat`. Raises `BfmMissing`, `RefusedFileError`."""
    path = bfm_file(folder, "BFM_model_front.mat")
    arrays = read_arrays(path, ("meanshape", "idBase", "exBase", "tri", "keypoints"))
    try:
        mean = arrays["meanshape"].astype(np.float32).reshape(-1, 3)
        basis = FaceBasis(
            mean=mean - mean.mean(axis=0),
            identity=arrays["idBase"].astype(np.float32).reshape(len(mean), 3, IDENTITIES),
            expression=arrays["exBase"].astype(np.float32).reshape(len(mean), 3, EXPRESSIONS),
            # Matlab counts from one.
            triangles=arrays["tri"].astype(np.int32).reshape(-1, 3) - 1,
            keypoints=arrays["keypoints"].astype(np.int64).reshape(68) - 1,
        )
    except ValueError as error:
        raise RefusedFileError(f"{path.name} has arrays of another shape: {error}; {SOURCES[path.name]}") from error
    for name, index in (("tri", basis.triangles), ("keypoints", basis.keypoints)):
        if index.min() < 0 or index.max() >= len(mean):
            raise RefusedFileError(f"{path.name}: {name} names vertices outside 1 to {len(mean)}; {SOURCES[path.name]}")
    return basis


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Named numeric arrays of one of the Matlab files. Raises `RefusedFileError`."""
    try:
        return read_mat(path, names)
    except MatError as error:
        raise RefusedFileError(f"{path.name}: {error}; {SOURCES[path.name]}") from error


def rotations(angles: NDArray[np.float32]) -> NDArray[np.float64]:
    """(T, 3, 3) to be applied from the left, of `angles` (T, 3) in radians about x, then y, then z."""
    from scipy.spatial.transform import Rotation

    matrices: NDArray[np.float64] = Rotation.from_euler("xyz", angles.astype(np.float64)).as_matrix()
    return matrices


def project(
    faces: NDArray[np.float32], angles: NDArray[np.float32], translations: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Where `faces` (T, n, 3) are in the network's image: (T, n, 3) pixels from its middle, y down.

    The third coordinate is depth behind the face's middle in the same scale, as a similarity sees it.
    """
    placed = faces @ rotations(angles).swapaxes(1, 2) + translations[:, None].astype(np.float64)
    depth = CAMERA_DISTANCE - placed[..., 2]
    middle = depth.mean(axis=1, keepdims=True)
    scale = FOCAL / depth
    return np.stack([placed[..., 0] * scale, -placed[..., 1] * scale, (depth - middle) * FOCAL / middle], axis=-1)
