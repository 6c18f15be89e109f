"""Temporal steadiness of the lower face: warping error (`TWE`) and acceleration of its motion (`Jitter`).

Neither knows what the lips should do: read them against the ground truth's row, see docs/metrics/steadiness.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore, MetricInfo, Tolerance
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.landmark_indices import FACE_SIDES
from bench_lipsync.metrics.base import check_frames
from bench_lipsync.metrics.temporal.formulas import (
    FlowFinder,
    acceleration,
    lower_face,
    lower_face_box,
    warping_error,
)

_SMALLEST = 24
"""Sides in pixels below which a cut-out is too small to find motion in."""

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
JITTER = MetricInfo(
    name="Jitter",
    variant="dis",
    direction="lower",
    unit="% of face width / frame²",
    range=(0.0, None),
    level="clip",
    needs=frozenset({"faces"}),
    signature="Jitter|flow=dis-medium,own|frames=crop|region=jaw-hull-gt|unit=face-width|pool=frame-mean,clip-mean|v1",
    definition="mean length of the flow to the next frame plus the flow to the frame before, in the lower face",
    default=True,
    tolerance=Tolerance(relative=0.1, absolute=0.02),
)


class SteadinessAccumulator:
    """One clip: two frames and one flow are kept, whatever the clip's length."""

    def __init__(self, clip: PreparedClip) -> None:
        self._landmarks = clip.faces.landmarks
        left, top, right, bottom = lower_face_box(self._landmarks, clip.size)
        if min(right - left, bottom - top) < _SMALLEST:
            raise ClipError(
                Status.METRIC_FAILED, f"the lower face is {right - left} x {bottom - top} pixels of the crop"
            )
        self._place = (slice(top, bottom), slice(left, right))
        self._origin = (left, top)
        sides = self._landmarks[:, FACE_SIDES, :2]
        self._width = float(np.median(np.linalg.norm(sides[:, 0] - sides[:, 1], axis=-1)))
        self._flow = FlowFinder()
        self._last: NDArray[np.uint8] | None = None
        self._backward: NDArray[np.float32] | None = None
        self._seen = 0
        self._errors: list[float] = []
        self._accelerations: list[float] = []

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames (n, size, size, 3) RGB; the truth's are not looked at. Raises `ClipError`."""
        check_frames(output)
        for frame in output:
            if self._seen >= len(self._landmarks):
                raise ClipError(Status.BAD_OUTPUT, f"more frames than the face track has ({len(self._landmarks)})")
            self._take(np.ascontiguousarray(frame[self._place]))

    def _take(self, picture: NDArray[np.uint8]) -> None:
        if self._last is not None:
            region = lower_face(self._landmarks[self._seen - 1], picture.shape[:2], self._origin)
            if not region.any():
                raise ClipError(Status.METRIC_FAILED, f"the lower face is outside the crop in frame {self._seen - 1}")
            forward = self._flow(self._last, picture)
            self._errors.append(warping_error(self._last, picture, forward, region))
            if self._backward is not None:
                pixels = acceleration(forward, self._backward, region)
                self._accelerations.append(100.0 * pixels / self._width)
            self._backward = self._flow(picture, self._last)
        self._last = picture
        self._seen += 1

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """The clip's means and curves; the audio plays no part. Raises `ClipError` (`too_short`) under 3 frames."""
        if self._seen < 3:
            raise ClipError(Status.TOO_SHORT, f"{self._seen} frames; a change of motion shows in 3")
        # One value a frame: a pair's error stands at its second frame; the ends repeat their neighbours.
        curves = {
            TWE.column: np.pad(np.asarray(self._errors, np.float32), (1, 0), mode="edge"),
            JITTER.column: np.pad(np.asarray(self._accelerations, np.float32), 1, mode="edge"),
        }
        values = {TWE.column: float(np.mean(self._errors)), JITTER.column: float(np.mean(self._accelerations))}
        return ClipScore(values=values, per_frame=curves)


class SteadinessScorer:
    """`TWE[dis]` and `Jitter[dis]`."""

    def __init__(self, device: str = "cpu") -> None:
        pass

    @staticmethod
    def describe() -> tuple[MetricInfo, ...]:
        """The metrics, without loading anything."""
        return (TWE, JITTER)

    @property
    def metrics(self) -> tuple[MetricInfo, ...]:
        """Both."""
        return self.describe()

    def open(self, clip: PreparedClip) -> SteadinessAccumulator:
        """Begin a clip. Raises `ClipError` (`metric_failed`) where the truth's lower face is not in the crop."""
        return SteadinessAccumulator(clip)

    def pool(self, output: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        """Nothing: both are clip metrics."""
        return {}
