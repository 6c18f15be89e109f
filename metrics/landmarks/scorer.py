"""Everything that is read from the points of the output's face, in one pass: LMD, lip opening, leakage.

Output and truth are looked at in the same way, each frame of the crop by itself. The truth's own track is not used:
it was found in the full frame, and another cut of the same picture moves the points by up to a percent of the eyes'
distance, which is as much as some models' whole error.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore, MetricInfo
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.landmark_indices import LIPS
from bench_lipsync.harness.faces.landmarker import Landmarker
from bench_lipsync.harness.faces.region import Region
from bench_lipsync.harness.faces.tracker import MAX_MISSING_SHARE
from bench_lipsync.metrics.base import check_pair, drawn
from bench_lipsync.metrics.landmarks import lip_leak, lip_opening, lmd
from bench_lipsync.metrics.landmarks.point_finder import PointFinder, Points
from bench_lipsync.metrics.truth_cache import Recall, TruthMemory

_METRICS = (lmd.FACE, lmd.MOUTH, lmd.MOUTH_CENTRED, lip_opening.ERROR, lip_opening.CORRELATION, lip_leak.INFO)
_REMEMBERED_FRAMES = 72_000
"""Frames of ground truth whose points are kept from one model to the next, together 270 MB at most."""


class LandmarkAccumulator:
    """One clip: a handful of numbers is kept for a frame, whatever the clip's length."""

    def __init__(self, find: PointFinder, clip: PreparedClip, recall: Recall | None = None) -> None:
        """`recall`: the truth's points as far as an earlier model's turn found them."""
        self._find = find
        self._clip = clip
        self._track = clip.faces.landmarks
        self._recall = recall or Recall()
        self._rows: list[tuple[float, ...]] = []
        self._last: tuple[NDArray[np.uint8], Points] | None = None

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames. Raises `ClipError` (`bad_output`)."""
        check_pair(output, truth)
        for frame, real in zip(output, truth, strict=True):
            index = len(self._rows)
            if index >= len(self._track):
                raise ClipError(Status.BAD_OUTPUT, f"more frames than the face track has ({len(self._track)})")
            expected = Region.around(self._track[index])
            theirs = self._recall(index, partial(self._find, real, expected))
            ours = self._points(frame, real, theirs, expected)
            self._last = (frame.copy(), ours)
            self._rows.append(_measure(ours, theirs))

    def _points(self, frame: NDArray[np.uint8], real: NDArray[np.uint8], theirs: Points, expected: Region) -> Points:
        """Equal pictures have equal points and are looked at once."""
        if np.array_equal(frame, real):
            return theirs
        if self._last is not None and np.array_equal(frame, self._last[0]):
            return self._last[1]
        return self._find(frame, expected)

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """The clip's values; what is not defined for it (a still mouth, no silence) is left out.

        Raises `ClipError` (`metric_failed`) where more than a tenth of the frames shows no face.
        """
        self._find.close()
        if not self._rows:
            raise ClipError(Status.BAD_OUTPUT, "the output has no frames")
        face, mouth, shape, ours, theirs, eyes = np.array(self._rows).T
        self._check_found("output", ours)
        self._check_found("ground truth", theirs)
        unit = float(np.nanmedian(eyes)) / 100.0
        both = np.isfinite(ours) & np.isfinite(theirs)
        distances = {lmd.FACE.column: face, lmd.MOUTH.column: mouth, lmd.MOUTH_CENTRED.column: shape}
        values = {column: float(np.nanmean(curve)) / unit for column, curve in distances.items()}
        values[lip_opening.ERROR.column] = lip_opening.opening_error(ours[both], theirs[both]) / unit
        optional = {
            lip_opening.CORRELATION.column: lip_opening.opening_correlation(ours[both], theirs[both]),
            lip_leak.INFO.column: self._leakage(ours, theirs, audio),
        }
        values.update({column: value for column, value in optional.items() if value is not None})
        curves = {**distances, lip_opening.ERROR.column: np.abs(ours - theirs)}
        return ClipScore(values=values, per_frame={column: drawn(curve) / unit for column, curve in curves.items()})

    def _leakage(
        self, ours: NDArray[np.float64], theirs: NDArray[np.float64], audio: NDArray[np.int16]
    ) -> float | None:
        silent, truth_silent = lip_leak.silent_frames(audio), lip_leak.silent_frames(self._clip.audio())
        count = min(len(ours), len(silent), len(truth_silent))
        return lip_leak.leakage(ours[:count], theirs[:count], silent[:count], truth_silent[:count])

    def _check_found(self, name: str, curve: NDArray[np.float64]) -> None:
        missing = int(np.isnan(curve).sum())
        if missing > MAX_MISSING_SHARE * len(curve):
            raise ClipError(Status.METRIC_FAILED, f"no face found in {missing} of {len(curve)} frames of the {name}")


def _measure(ours: Points, theirs: Points) -> tuple[float, ...]:
    """In pixels: distance of face, lips and centred lips; opening of both; the truth's eye distance."""
    lips, real_lips = ours[LIPS, :], theirs[LIPS, :]
    return (
        float(lmd.landmark_distance(ours, theirs)),
        float(lmd.landmark_distance(lips, real_lips)),
        float(lmd.landmark_distance(lmd.centred(lips), lmd.centred(real_lips))),
        float(lip_opening.lip_opening(ours)),
        float(lip_opening.lip_opening(theirs)),
        float(lmd.eye_distance(theirs)),
    )


class LandmarkScorer:
    """LMD, LMD-mouth, LipOpen-error, LipOpen-corr and LipLeak. Raises what `Landmarker` raises where it cannot work."""

    def __init__(self, device: str = "cpu") -> None:
        with Landmarker():
            pass
        self._finder = PointFinder
        self._memory = TruthMemory(_REMEMBERED_FRAMES)

    @staticmethod
    def describe() -> tuple[MetricInfo, ...]:
        """The metrics, without loading anything."""
        return _METRICS

    @property
    def metrics(self) -> tuple[MetricInfo, ...]:
        """All of them."""
        return _METRICS

    def open(self, clip: PreparedClip) -> LandmarkAccumulator:
        """Begin a clip; the truth's points are found once a run, as far as there is room for them."""
        return LandmarkAccumulator(self._finder(), clip, self._memory.of(clip))

    def pool(self, output: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        """Nothing: all are clip metrics."""
        return {}
