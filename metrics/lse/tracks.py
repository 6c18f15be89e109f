"""Face tracks and smoothed boxes from per-frame detections, as in the published SyncNet pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bench_lipsync.harness.errors import ClipError, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_IOU = 0.5
"""Overlap of a face with the track's last one that makes it the same face."""
MAX_GAP = 25
"""Frames that a face may be lost without ending its track."""
MIN_TRACK = 100
"""A track has more detections than this."""
MIN_FACE = 100
"""Pixels that a track's mean width or height exceeds."""
_MEDIAN = 13


class Track(NamedTuple):
    """One face through a stretch of frames."""

    first: int
    """Its first frame."""
    boxes: NDArray[np.float64]
    """(n, 4) left, top, right, bottom in every frame from `first` on; between detections interpolated linearly."""

    @property
    def end(self) -> int:
        """The frame after its last."""
        return self.first + len(self.boxes)


class Detection(NamedTuple):
    """One face in one frame."""

    frame: int
    box: NDArray[np.float64]


def overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Intersection over union of two boxes (left, top, right, bottom, ...)."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:4], b[2:4])
    shared = float(np.prod(np.maximum(high - low, 0.0)))
    areas = [float(np.prod(box[2:4] - box[:2])) for box in (a, b)]
    return shared / (sum(areas) - shared)


def find_tracks(
    faces: Sequence[NDArray[np.float64]], shots: Sequence[tuple[int, int]], min_track: int = MIN_TRACK
) -> list[Track]:
    """Link the detections of every shot to tracks.

    Args:
        faces: Boxes (n, 4 or more) of each frame.
        shots: First frame of each shot and the one after its last.
        min_track: Tracks with no more detections than this are dropped.

    Returns:
        The tracks in the order in which they begin.

    Raises:
        ClipError: `no_face` without a single detection; `too_short` where no track is left, with the best one's
            length or face size.
    """
    if not any(len(boxes) for boxes in faces):
        raise ClipError(Status.NO_FACE, f"the detector found no face in any of {len(faces)} frames")
    tracks, reasons = [], []
    for first, end in shots:
        if end - first < min_track:
            reasons.append((end - first, f"a shot of {end - first} frames; the pipeline takes {min_track} or more"))
            continue
        for chain in _chains(faces, first, end):
            track = _interpolate(chain)
            side = max((track.boxes[:, 2:4] - track.boxes[:, :2]).mean(axis=0))
            if len(chain) <= min_track:
                reasons.append((len(chain), f"a face found in {len(chain)} frames; it takes more than {min_track}"))
            elif side <= MIN_FACE:
                reasons.append((len(chain), f"a face of {side:.0f} pixels; it takes more than {MIN_FACE}"))
            else:
                tracks.append(track)
    if not tracks:
        raise ClipError(Status.TOO_SHORT, f"no face track for the pipeline; the best was {max(reasons)[1]}")
    return tracks


def smooth_boxes(track: Track) -> NDArray[np.float64]:
    """(n, 3) centre x, centre y and half side, each median-filtered over 13 frames with zeros beyond the ends."""
    from scipy.signal import medfilt

    left, top, right, bottom = track.boxes.T[:4]
    columns = ((left + right) / 2, (top + bottom) / 2, np.maximum(bottom - top, right - left) / 2)
    return np.column_stack([medfilt(column, _MEDIAN) for column in columns])


def _chains(faces: Sequence[NDArray[np.float64]], first: int, end: int) -> list[list[Detection]]:
    """All detections of a shot in chains; each begins with the first detection that is left."""
    left = {frame: list(faces[frame]) for frame in range(first, end)}
    chains = []
    while chain := _next_chain(left):
        chains.append(chain)
    return chains


def _next_chain(left: dict[int, list[NDArray[np.float64]]]) -> list[Detection]:
    chain: list[Detection] = []
    for frame, boxes in left.items():
        if chain and frame - chain[-1].frame > MAX_GAP:
            break
        match = next((i for i, box in enumerate(boxes) if not chain or overlap(box, chain[-1].box) > MIN_IOU), None)
        if match is not None:
            chain.append(Detection(frame, boxes.pop(match)))
    return chain


def _interpolate(chain: Sequence[Detection]) -> Track:
    seen = np.array([detection.frame for detection in chain])
    boxes = np.array([detection.box[:4] for detection in chain])
    frames = np.arange(seen[0], seen[-1] + 1)
    return Track(int(seen[0]), np.column_stack([np.interp(frames, seen, column) for column in boxes.T]))
