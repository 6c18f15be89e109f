"""Metrics on the landmarks of the output's face, in one pass: LMD, lip opening, leakage.

Output and ground truth are processed alike, each frame of the crop by itself. The clip's own face track is not used: it
was found in the full frame, and detection in another crop of the same frame moves the points by up to a percent of the
eye distance, which is as much as some models' whole error.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.landmark_indices import LIPS
from bench_lipsync.harness.faces.landmarker import Landmarker
from bench_lipsync.harness.faces.region import Region
from bench_lipsync.harness.faces.tracker import MAX_MISSING_SHARE
from bench_lipsync.metrics.base import ClipMetricScorer, LastResult, TrackRows, check_pair, fill_gaps, require_frames
from bench_lipsync.metrics.landmarks import lip_leak, lip_opening, lmd
from bench_lipsync.metrics.truth_cache import ClipCache, TruthCache

_CACHED_FRAMES = 72_000
"""Ground-truth frames whose points are kept from one model to the next, together 270 MB at most."""

Points = NDArray[np.float32]
"""(468, 2) x, y in pixels; NaN where no face was found."""


class PointFinder:
    """Finds the face mesh in crops. One per clip, opened with the first frame.

    MediaPipe cannot be closed once the interpreter ends, so none may be left open until then.
    """

    def __init__(self) -> None:
        self._landmarker: Landmarker | None = None

    def close(self) -> None:
        """Release MediaPipe; the next call opens it again."""
        if self._landmarker is not None:
            self._landmarker.__exit__(None, None, None)
            self._landmarker = None

    def __call__(self, frame: NDArray[np.uint8], expected: Region) -> Points:
        """Points of the face in `frame` (H, W, 3) that overlaps most with `expected`; NaN without one."""
        if self._landmarker is None:
            self._landmarker = Landmarker().__enter__()
        faces = self._landmarker.faces(frame)
        best = max(faces, key=lambda face: face.box.overlap(expected), default=None)
        if best is None or best.box.overlap(expected) == 0:
            return np.full((lmd.FACE_POINTS, 2), np.nan, np.float32)
        return np.ascontiguousarray(best.landmarks[: lmd.FACE_POINTS, :2])


class LandmarkAccumulator:
    """Keeps six numbers per frame, whatever the clip's length."""

    def __init__(self, find: PointFinder, clip: PreparedClip, cached: ClipCache | None = None) -> None:
        """`cached`: points of the ground truth that were found for an earlier model."""
        self._find = find
        self._clip = clip
        self._track = TrackRows(clip.faces.landmarks)
        self._cached = cached or ClipCache()
        self._rows: list[tuple[float, ...]] = []
        self._last = LastResult[Points]()

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames. Raises `ClipError` (`bad_output`)."""
        check_pair(output, truth)
        for frame, truth_frame, landmarks in zip(output, truth, self._track.take(len(output)), strict=True):
            expected = Region.around(landmarks)
            truth_points = self._cached(len(self._rows), partial(self._find, truth_frame, expected))
            if np.array_equal(frame, truth_frame):
                points = self._last.keep(frame, truth_points)
            else:
                points = self._last(frame, partial(self._find, frame, expected))
            self._rows.append(_measure(points, truth_points))

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """The clip's values; those that are undefined for it (a still mouth, no silence) are left out.

        Raises `ClipError` (`metric_failed`) where more than a tenth of the frames shows no face.
        """
        self._find.close()
        require_frames(self._rows)
        face, mouth, shape, opening, truth_opening, eyes = np.array(self._rows).T
        _check_found("output", opening)
        _check_found("ground truth", truth_opening)
        unit = float(np.nanmedian(eyes)) / 100.0
        both = np.isfinite(opening) & np.isfinite(truth_opening)
        distances = {lmd.FACE.column: face, lmd.MOUTH.column: mouth, lmd.MOUTH_CENTRED.column: shape}
        values = {column: float(np.nanmean(curve)) / unit for column, curve in distances.items()}
        values[lip_opening.ERROR.column] = lip_opening.opening_error(opening[both], truth_opening[both]) / unit
        optional = {
            lip_opening.CORRELATION.column: lip_opening.opening_correlation(opening[both], truth_opening[both]),
            lip_leak.INFO.column: self._leakage(opening, truth_opening, audio),
        }
        values.update({column: value for column, value in optional.items() if value is not None})
        curves = {**distances, lip_opening.ERROR.column: np.abs(opening - truth_opening)}
        return ClipScore(values=values, per_frame={column: fill_gaps(curve) / unit for column, curve in curves.items()})

    def _leakage(
        self, opening: NDArray[np.float64], truth_opening: NDArray[np.float64], audio: NDArray[np.int16]
    ) -> float | None:
        silent, truth_silent = lip_leak.silent_frames(audio), lip_leak.silent_frames(self._clip.audio())
        count = min(len(opening), len(silent), len(truth_silent))
        return lip_leak.leakage(opening[:count], truth_opening[:count], silent[:count], truth_silent[:count])


def _check_found(side: str, curve: NDArray[np.float64]) -> None:
    missing = int(np.isnan(curve).sum())
    if missing > MAX_MISSING_SHARE * len(curve):
        raise ClipError(Status.METRIC_FAILED, f"no face found in {missing} of {len(curve)} frames of the {side}")


def _measure(points: Points, truth: Points) -> tuple[float, ...]:
    """In pixels: distance of face, lips and centred lips; opening of output and ground truth; the truth's eyes."""
    lips, truth_lips = points[LIPS, :], truth[LIPS, :]
    return (
        float(lmd.landmark_distance(points, truth)),
        float(lmd.landmark_distance(lips, truth_lips)),
        float(lmd.landmark_distance(lmd.centred(lips), lmd.centred(truth_lips))),
        float(lip_opening.lip_opening(points)),
        float(lip_opening.lip_opening(truth)),
        float(lmd.eye_distance(truth)),
    )


class LandmarkScorer(ClipMetricScorer):
    """LMD, LMD-mouth, LipOpen-error, LipOpen-corr and LipLeak. Raises what `Landmarker` raises where it cannot work."""

    metrics = (lmd.FACE, lmd.MOUTH, lmd.MOUTH_CENTRED, lip_opening.ERROR, lip_opening.CORRELATION, lip_leak.INFO)

    def __init__(self, device: str = "cpu") -> None:
        with Landmarker():
            pass
        self._finder = PointFinder
        self._truth = TruthCache(_CACHED_FRAMES)

    def open(self, clip: PreparedClip) -> LandmarkAccumulator:
        """Begin a clip; the points of the ground truth are found once per run, as far as the cache has room."""
        return LandmarkAccumulator(self._finder(), clip, self._truth.of(clip))
