"""The predictors of a parametric mesh by name, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bench_lipsync.models.stylelipsync.mask.face import MeshTrack, NeutralFace
from bench_lipsync.models.stylelipsync.mask.mask import SIZE
from bench_lipsync.models.stylelipsync.mask.mesh import fit_mesh, in_drawing

if TYPE_CHECKING:
    from bench_lipsync.harness.api.clip import PreparedClip


class MeshPredictor(Protocol):
    """Finds a mesh with pose, translation and expression in every frame of a clip."""

    def fit(self, clip: PreparedClip, drawn: int) -> MeshTrack:
        """The mesh of all frames, in pixels of frames of `drawn` px whose pixel centres are at integers."""


class MediaPipePredictor:
    """MediaPipe's 468 points, which every prepared clip carries."""

    def fit(self, clip: PreparedClip, drawn: int) -> MeshTrack:
        """The mesh of all frames."""
        return fit_mesh(in_drawing(clip.faces.landmarks, clip.size, drawn))


def mesh_predictor(name: str) -> MeshPredictor:
    """The predictor that the configuration's `mesh` names.

    Raises `ValueError` for another name, and `models.stylelipsync.mask.bfm.BfmMissing` for `bfm` without its files.
    """
    if name == "mediapipe":
        return MediaPipePredictor()
    if name == "bfm":
        from bench_lipsync.models.stylelipsync.mask.bfm_predictor import load_bfm_predictor

        return load_bfm_predictor()
    raise ValueError(f"mesh must be mediapipe or bfm, not {name!r}")


def find_face(clip: PreparedClip, mesh: str = "mediapipe") -> NeutralFace:
    """The face that masks of `clip` are drawn from, by the predictor `mesh`, posed in frames of 256 px."""
    return mesh_predictor(mesh).fit(clip, SIZE).face()
