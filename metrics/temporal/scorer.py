"""Temporal steadiness of the lower face: warping error (`TWE`) and acceleration of its motion (`Jitter`).

Both are no-reference metrics: compare them with the ground truth's row, see docs/metrics/steadiness.md.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore, MetricInfo, Tolerance
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.landmark_indices import FACE_SIDES
from bench_lipsync.metrics.base import ClipMetricScorer, TrackRows, check_frames
from bench_lipsync.metrics.temporal.formulas import (
    FlowFinder,
    acceleration,
    lower_face,
    lower_face_box,
    warping_error,
)

_SMALLEST = 24
"""Sides in pixels below which a crop of the lower face is too small to find motion in."""

TWE = MetricInfo(
    name="TWE",
    variant="dis",
    direction="lower",
    unit="levels",
    range=(0.0, 255.0),
    level="clip",
    needs=frozenset({"faces"}),
    signature="TWE|flow=dis-medium,own|frames=crop|region=jaw-hull-gt|error=l1-rgb255|pool=frame-mean,clip-mean|v1",
    definition="mean difference of a frame and the next, brought back along the video's own flow, in the lower face",
    default=True,
    tolerance=Tolerance(relative=0.1, absolute=0.05),
)
JITTER = replace(
    TWE,
    name="Jitter",
    unit="% of face width / frame²",
    range=(0.0, None),
    signature="Jitter|flow=dis-medium,own|frames=crop|region=jaw-hull-gt|unit=face-width|pool=frame-mean,clip-mean|v1",
    definition="mean length of the flow to the next frame plus the flow to the frame before, in the lower face",
    tolerance=Tolerance(relative=0.1, absolute=0.02),
)


class SteadinessAccumulator:
    """Keeps two frames and one flow, whatever the clip's length."""

    def __init__(self, clip: PreparedClip) -> None:
        landmarks = clip.faces.landmarks
        left, top, right, bottom = lower_face_box(landmarks, clip.size)
        if min(right - left, bottom - top) < _SMALLEST:
            reason = f"the lower face is {right - left} x {bottom - top} pixels of the crop"
            raise ClipError(Status.METRIC_FAILED, reason)
        self._box = (slice(top, bottom), slice(left, right))
        self._origin = (left, top)
        sides = landmarks[:, FACE_SIDES, :2]
        self._face_width = float(np.median(np.linalg.norm(sides[:, 0] - sides[:, 1], axis=-1)))
        self._track = TrackRows(landmarks)
        self._flow = FlowFinder()
        self._last: tuple[NDArray[np.uint8], NDArray[np.float32]] | None = None
        """The previous frame, cropped, and its landmarks."""
        self._backward: NDArray[np.float32] | None = None
        self._errors: list[float] = []
        self._accelerations: list[float] = []

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames (n, size, size, 3) RGB; `truth` is not used. Raises `ClipError`."""
        check_frames(output)
        for frame, landmarks in zip(output, self._track.take(len(output)), strict=True):
            crop = np.ascontiguousarray(frame[self._box])
            if self._last is not None:
                self._compare(*self._last, crop)
            self._last = crop, landmarks

    def _compare(self, before: NDArray[np.uint8], landmarks: NDArray[np.float32], after: NDArray[np.uint8]) -> None:
        region = lower_face(landmarks, before.shape[:2], self._origin)
        if not region.any():
            raise ClipError(Status.METRIC_FAILED, f"the lower face is outside the crop in frame {len(self._errors)}")
        forward = self._flow(before, after)
        self._errors.append(warping_error(before, after, forward, region))
        if self._backward is not None:
            pixels = acceleration(forward, self._backward, region)
            self._accelerations.append(100.0 * pixels / self._face_width)
        self._backward = self._flow(after, before)

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """Means and per-frame values; the audio is not used. Raises `ClipError` (`too_short`) under 3 frames."""
        if self._track.used < 3:
            raise ClipError(Status.TOO_SHORT, f"{self._track.used} frames; a change of motion shows in 3")
        # One value per frame: a pair's error stands at its second frame; the ends repeat their neighbours.
        curves = {
            TWE.column: np.pad(np.asarray(self._errors, np.float32), (1, 0), mode="edge"),
            JITTER.column: np.pad(np.asarray(self._accelerations, np.float32), 1, mode="edge"),
        }
        values = {TWE.column: float(np.mean(self._errors)), JITTER.column: float(np.mean(self._accelerations))}
        return ClipScore(values=values, per_frame=curves)


class SteadinessScorer(ClipMetricScorer):
    """`TWE[dis]` and `Jitter[dis]`."""

    metrics = (TWE, JITTER)

    def open(self, clip: PreparedClip) -> SteadinessAccumulator:
        """Begin a clip. Raises `ClipError` (`metric_failed`) where the truth's lower face is not in the crop."""
        return SteadinessAccumulator(clip)
