"""A track: the part of an utterance in which one square around the face is cropped, by the rules of FOMM.

The rules are those of github.com/AliaksandrSiarohin/video-preprocessing (`crop_vox.py`, `util.py`): a track ends where
its face has left the place of its first frame, all its frames have one crop around the union of the boxes, and tracks
that are short, small or near the border are dropped. FOMM detects the faces again; here the published boxes are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS
from bench_lipsync.harness.datasets.cutting import CropBox, IntervalStatus, Problem

SIZE = 256
"""Side of the clips in pixels."""
MARGIN = 0.1
"""Margin on every side, as a share of the union's longer side (FOMM's `increase`)."""
MIN_FACE = 256
"""Least width and height of the face's box in pixels of the full video."""
MIN_IOU, MAX_FRAMES, MIN_FRAMES = 0.25, 1024, 64
DOWNLOAD_HEIGHT = 1080
"""Videos are downloaded with at most this many lines, where there are any such."""


@dataclass(frozen=True)
class CropRule:
    """Which faces are kept, and how much is around them."""

    min_face: int = MIN_FACE
    margin: float = MARGIN

    @property
    def columns(self) -> dict[str, str]:
        """As the report states it."""
        return {"min_face": str(self.min_face), "margin": f"{self.margin:g}"}


@dataclass(frozen=True)
class VoxCelebVideo:
    """A full video; VoxCeleb2 calls it by its id on YouTube."""

    name: str

    @property
    def file_names(self) -> tuple[str, ...]:
        """Its id."""
        return (self.name,)

    @property
    def url(self) -> str:
        """Its page."""
        return f"https://www.youtube.com/watch?v={self.name}"

    @property
    def resolution(self) -> int:
        """Height at which it is downloaded."""
        return DOWNLOAD_HEIGHT


@dataclass(frozen=True)
class Track:
    """One clip to cut. Boxes are fractions of the frame's width and height."""

    identity: str
    video: VoxCelebVideo
    utterance: str
    number: int
    """0-based, within the utterance."""
    first: int
    """Frame of the full video at 25 fps."""
    frames: int
    union: tuple[float, float, float, float]
    """Left, top, right and bottom edge of the boxes of all frames."""
    face: tuple[float, float]
    """Least width and least height of a box."""
    rule: CropRule
    offset: str = ""
    """`Offset` of the annotation; reported, not applied, as in FOMM's preparation."""
    fault: str = ""
    """What is wrong with the annotation; empty: nothing."""

    @property
    def id(self) -> str:
        """`idNNNNN_VIDEO_UTTERANCE`, from the second track of an utterance on with its number."""
        return "_".join((self.identity, self.video.name, self._stem))

    @property
    def _stem(self) -> str:
        return self.utterance + (f"-{self.number}" if self.number else "")

    @property
    def path(self) -> PurePosixPath:
        """The clip's file below the output folder, as dataset `voxceleb2` reads it."""
        return PurePosixPath(self.identity, self.video.name, f"{self._stem}.mp4")

    @property
    def start(self) -> float:
        """Seconds into the full video."""
        return self.first / FPS

    @property
    def end(self) -> float:
        """Seconds."""
        return (self.first + self.frames) / FPS

    @property
    def size(self) -> int:
        """Side of the clip in pixels."""
        return SIZE

    @property
    def problem(self) -> Problem | None:
        """Why it cannot be cut from any video, or `None`."""
        if self.fault:
            return Problem(IntervalStatus.METADATA_ERROR, self.fault)
        if self.frames < MIN_FRAMES:
            return Problem(IntervalStatus.TOO_SHORT, f"{self.frames} frames, fewer than {MIN_FRAMES}")
        return None

    @property
    def download_problem(self) -> Problem | None:
        """A face that is too small even at the height at which videos are downloaded."""
        height = round(self.face[1] * DOWNLOAD_HEIGHT)
        if height >= self.rule.min_face:
            return None
        reason = f"not downloaded: its face is {height} px high at {DOWNLOAD_HEIGHT} lines, not {self.rule.min_face}"
        return Problem(IntervalStatus.FACE_TOO_SMALL, reason)

    @property
    def columns(self) -> dict[str, str]:
        """Further columns of the report."""
        width, height = (f"{share:.3f}" for share in self.face)
        return {"face_width": width, "face_height": height, "offset": self.offset, **self.rule.columns}

    def crop_in(self, width: int, height: int) -> CropBox | Problem:
        """A square around the union of the boxes, in frames of this size."""
        face = [round(share * side) for share, side in zip(self.face, (width, height), strict=True)]
        if min(face) < self.rule.min_face:
            reason = f"its face is {face[0]}x{face[1]} px in a frame of {width}x{height}, not {self.rule.min_face}"
            return Problem(IntervalStatus.FACE_TOO_SMALL, reason)
        left, top, right, bottom = (edge * side for edge, side in zip(self.union, (width, height) * 2, strict=True))
        side = round((1 + 2 * self.rule.margin) * max(right - left, bottom - top))
        x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
        outside = max(-x, -y, x + side - width, y + side - height)
        if outside > 0:
            reason = f"its crop of {side} px leaves the frame of {width}x{height} by {outside} px"
            return Problem(IntervalStatus.NEAR_BORDER, reason)
        return CropBox(x, y, side)


def track_spans(frames: NDArray[np.int64], boxes: NDArray[np.float64]) -> Iterator[slice]:
    """Split an utterance into tracks.

    Args:
        frames: (n,) numbers of the frames, ascending; a gap begins a track.
        boxes: (n, 4) left, top, right and bottom edges.

    Yields:
        Rows of each track: the intersection of a box with the track's first is at least `MIN_IOU` of their union.
    """
    start = 0
    while start < len(frames):
        span = slice(start, start + MAX_FRAMES)
        expected = frames[start] + np.arange(len(frames[span]))
        ends = (frames[span] != expected) | (_iou(boxes[start], boxes[span]) < MIN_IOU)
        stop = start + (int(np.argmax(ends)) if ends.any() else len(expected))
        yield slice(start, stop)
        start = stop


def _iou(first: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) intersection over union of `first` (4,) and `boxes` (n, 4)."""
    sides = np.minimum(first[2:], boxes[:, 2:]) - np.maximum(first[:2], boxes[:, :2])
    both = np.prod(np.maximum(sides, 0), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(first[2:] - first[:2])
    iou: NDArray[np.float64] = both / (areas - both)
    return iou
