"""A mesh predictor with the Basel Face Model, for users who have its files (see `bfm`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.models.stylelipsync.mask.bfm import FaceBasis, bfm_folder, load_basis, project
from bench_lipsync.models.stylelipsync.mask.bfm_network import (
    Alignment,
    CoefficientNet,
    Coefficients,
    align,
    load_network,
    load_standard,
    regress,
)
from bench_lipsync.models.stylelipsync.mask.face import MeshTrack, NeutralShape
from bench_lipsync.models.stylelipsync.mask.similarity import Points, fit

if TYPE_CHECKING:
    from bench_lipsync.harness.api.clip import PreparedClip

_SAMPLE = 900
"""About as many vertices are enough to fit a pose to."""
_RIGHT_EYE, _LEFT_EYE = 36, 45
_INNER_LIPS = (62, 66)
_MOUTH_CORNERS = (48, 54)
_JAW_ENDS = (0, 1, 15, 16)
_NOSE_BASE = 33


@dataclass(frozen=True)
class BfmPredictor:
    """Deep3DFaceRecon: coefficients of every frame, one identity for the clip."""

    basis: FaceBasis
    net: CoefficientNet
    standard: Points
    """(5, 3) landmarks that faces are aligned to."""

    def fit(self, clip: PreparedClip, drawn: int) -> MeshTrack:
        """The mesh of all frames, in pixels of frames of `drawn` px whose pixel centres are at integers."""
        alignment = align(clip.faces.landmarks, self.standard)
        return self.mesh(regress(self.net, clip.read_frames(), alignment), alignment, drawn / clip.size)

    def mesh(self, coefficients: Coefficients, alignment: Alignment, zoom: float) -> MeshTrack:
        """The mesh of `coefficients` in aligned frames, drawn `zoom` times as large as the frames."""
        still = np.zeros_like(coefficients.expression)
        shape = neutral_shape(self.basis, np.median(coefficients.identity, axis=0))
        sample = slice(None, None, max(1, len(self.basis.mean) // _SAMPLE))
        faces = self.basis.shapes(coefficients.identity, still, sample)
        posed = project(faces, coefficients.angles, coefficients.translation)
        rigid = shape.vertices[sample]
        return MeshTrack(
            shape=shape,
            poses=fit(rigid, to_frame(posed, alignment, zoom)),
            anchor=rigid.mean(axis=0),
            opening=self._opening(coefficients),
            tracked=BfmTracked(self.basis, coefficients, alignment, zoom),
        )

    def _opening(self, coefficients: Coefficients) -> Points:
        named = self.basis.keypoints[[*_INNER_LIPS, _RIGHT_EYE, _LEFT_EYE]]
        points = self.basis.shapes(coefficients.identity, coefficients.expression, named)
        upper, lower, right, left = points.swapaxes(0, 1)
        opening: Points = (np.linalg.norm(upper - lower, axis=1) / np.linalg.norm(left - right, axis=1)).astype(float)
        return opening


@dataclass(frozen=True)
class BfmTracked:
    """Vertices of a frame with its own identity and expression, made when asked for: a clip of them fills memory."""

    basis: FaceBasis
    coefficients: Coefficients
    alignment: Alignment
    zoom: float

    def __getitem__(self, frames: slice) -> BfmTracked:
        """The same for some of the frames."""
        coefficients = Coefficients(*(array[frames] for array in self.coefficients))
        return BfmTracked(self.basis, coefficients, Alignment(*(array[frames] for array in self.alignment)), self.zoom)

    def frame(self, index: int) -> Points:
        """Vertices (N, 2) of one frame in its pixels."""
        only = self[index : index + 1]
        coefficients = only.coefficients
        faces = self.basis.shapes(coefficients.identity, coefficients.expression)
        posed = project(faces, coefficients.angles, coefficients.translation)
        vertices: Points = to_frame(posed, only.alignment, self.zoom)[0, :, :2]
        return vertices


def to_frame(posed: NDArray[np.float64], alignment: Alignment, zoom: float) -> Points:
    """From pixels about the middle of the network's image, (T, n, 3), to pixel centres of the drawn frames."""
    placed: Points = posed / alignment.scale[:, None, None] * zoom
    placed[..., :2] += alignment.centre[:, None] * zoom - 0.5
    return placed


def neutral_shape(basis: FaceBasis, identity: NDArray[np.float32]) -> NeutralShape:
    """The face of one `identity` (80,) at rest, in the coordinates of `NeutralShape`."""
    still = np.zeros((1, basis.expression.shape[2]), np.float32)
    vertices = basis.shapes(identity[None].astype(np.float32), still)[0].astype(np.float64)
    right, left = vertices[basis.keypoints[[_RIGHT_EYE, _LEFT_EYE]]]
    middle, size = (right + left) / 2, float(np.linalg.norm(left - right))
    upright = (vertices - middle) * [1, -1, -1] / size
    points = upright[basis.keypoints]
    return NeutralShape(
        vertices=upright,
        triangles=basis.triangles,
        # The model's own y = 0 lies just above the tip of the nose; vertices above it are removed, as others report.
        top=float(middle[1] / size),
        nose_base=float(points[_NOSE_BASE, 1]),
        mouth=float(points[list(_MOUTH_CORNERS), 1].mean()),
        jaw_joint=points[list(_JAW_ENDS)].mean(axis=0),
    )


def load_bfm_predictor(folder: Path | None = None) -> BfmPredictor:
    """The predictor with the files of `folder` (default: `bfm_folder()`), read once a process.

    Raises `BfmMissing` for the first file that is not there and `RefusedFileError` for one that is something else.
    """
    return _load(folder or bfm_folder())


@lru_cache(maxsize=1)
def _load(folder: Path) -> BfmPredictor:
    return BfmPredictor(load_basis(folder), load_network(folder), load_standard(folder))
