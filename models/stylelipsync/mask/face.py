"""What a mesh predictor finds in a clip, and the face that masks are drawn from: any mesh, any predictor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.models.stylelipsync.mask.similarity import Points, Similarity
from bench_lipsync.models.stylelipsync.mask.stabilize import steady


class Tracked(Protocol):
    """The mesh as it was found frame by frame, with the true lips; made on demand where it is too large to keep."""

    def __getitem__(self, frames: slice) -> Tracked:
        """The same for some of the frames."""

    def frame(self, index: int) -> Points:
        """Vertices (N, 2) of one frame in its pixels."""


@dataclass(frozen=True)
class TrackedPoints:
    """`Tracked` from an array."""

    points: Points
    """(T, N, 2)"""

    def __getitem__(self, frames: slice) -> TrackedPoints:
        """The same for some of the frames."""
        return TrackedPoints(self.points[frames])

    def frame(self, index: int) -> Points:
        """Vertices (N, 2) of one frame in its pixels."""
        vertices: Points = self.points[index]
        return vertices


@dataclass(frozen=True)
class NeutralShape:
    """A speaker's face at rest: x to image right, y from forehead to chin, z away from the camera.

    The outer eye corners are one apart and the origin lies between them.
    """

    vertices: Points
    """(N, 3)"""
    triangles: NDArray[np.int32]
    """(F, 3) vertices; eyes and mouth may be holes."""
    top: float
    """y at which the lower face begins: just above the tip of the nose."""
    nose_base: float
    """y below which lips and chin are."""
    mouth: float
    """y of the corners of the mouth."""
    jaw_joint: Points
    """(3,) middle of the axis that the jaw turns about."""


@dataclass(frozen=True)
class MeshTrack:
    """A parametric mesh in all T frames of a clip, as a `MeshPredictor` found it."""

    shape: NeutralShape
    poses: Similarity
    """Rotation in SO(3), translation and size in every frame: from the shape to pixels."""
    anchor: Points
    """(3,) middle of the points that the poses were fitted to."""
    opening: Points
    """(T,) how far the lips are apart, in distances of the outer eye corners."""
    tracked: Tracked
    """Vertices of every frame with its own expression."""

    def face(self) -> NeutralFace:
        """What masks are drawn from: the poses freed of the lips."""
        return NeutralFace(self.shape, steady(self.poses, self.opening, self.anchor), self.tracked)


@dataclass(frozen=True)
class NeutralFace:
    """A face's own shape and how it lies in every frame."""

    shape: NeutralShape
    poses: Similarity
    """From the shape to pixels of every frame, freed of what the lips put into them."""
    tracked: Tracked
    """The mesh with the true lips and jaw of every frame."""

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.poses.scale)

    def span(self, start: int, stop: int) -> NeutralFace:
        """The same face in frames `start:stop` only."""
        poses = Similarity(*(part[start:stop] for part in self.poses))
        return NeutralFace(self.shape, poses, self.tracked[start:stop])
