"""CPBD of the crop and of the mouth: whether the picture, and the part that the model painted, look sharp."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore, MetricInfo, Tolerance
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.metrics.base import check_frames, drawn
from bench_lipsync.metrics.image.cpbd import BLOCK, EDGE_SHARE, cpbd, find_edges
from bench_lipsync.metrics.image.mouth import SIDE, mouth_squares

_SETTINGS = f"grey=bt601|block={BLOCK}|edges=sobel-x|share={EDGE_SHARE}|jnb=5,3@50|pool=frame-mean,clip-mean|v1"

CROP = MetricInfo(
    name="CPBD",
    variant="narvekar2011",
    direction="higher",
    unit="",
    range=(0.0, 1.0),
    level="clip",
    needs=frozenset(),
    signature=f"CPBD|frames=crop|{_SETTINGS}",
    definition="share of the frame's upright edges that are no wider than just noticeable, on the crop's grey levels",
    tolerance=Tolerance(absolute=0.02),
)
MOUTH = MetricInfo(
    name="CPBD-mouth",
    variant="narvekar2011",
    direction="higher",
    unit="",
    range=(0.0, 1.0),
    level="clip",
    needs=frozenset({"faces"}),
    signature=f"CPBD-mouth|region=mouth-gt-square{SIDE}|{_SETTINGS}",
    definition="the same for the edges in a square around the true lips",
    tolerance=Tolerance(absolute=0.02),
)


class SharpnessAccumulator:
    """One clip; a frame equal to the one before costs nothing."""

    def __init__(self, clip: PreparedClip) -> None:
        if clip.size < BLOCK:
            raise ClipError(Status.METRIC_FAILED, f"CPBD needs frames of {BLOCK} pixels, these have {clip.size}")
        self._squares = mouth_squares(clip.faces.landmarks, clip.size)
        self._rows: list[tuple[float, float]] = []
        self._last: NDArray[np.uint8] | None = None

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames (n, size, size, 3) RGB; the truth's are not looked at. Raises `ClipError`."""
        import cv2

        check_frames(output)
        for frame in output:
            if len(self._rows) >= len(self._squares):
                raise ClipError(Status.BAD_OUTPUT, f"more frames than the face track has ({len(self._squares)})")
            if self._last is None or not np.array_equal(frame, self._last):
                self._edges = find_edges(np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8))
                self._last = frame.copy()
            left, top, side = self._squares[len(self._rows)]
            mouth = np.zeros(frame.shape[:2], np.bool_)
            mouth[top : top + side, left : left + side] = True
            values = cpbd(self._edges), cpbd(self._edges, mouth)
            self._rows.append((np.nan if values[0] is None else values[0], np.nan if values[1] is None else values[1]))

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """Means over the frames that have edges; a region without any in every frame has no value."""
        if not self._rows:
            raise ClipError(Status.BAD_OUTPUT, "the output has no frames")
        curves = dict(zip((CROP.column, MOUTH.column), np.array(self._rows, np.float64).T, strict=True))
        known = {column: curve for column, curve in curves.items() if np.isfinite(curve).any()}
        if CROP.column not in known:
            raise ClipError(Status.METRIC_FAILED, "there is no edge in any frame")
        values = {column: float(np.nanmean(curve)) for column, curve in known.items()}
        return ClipScore(values=values, per_frame={column: drawn(curve) for column, curve in known.items()})


class SharpnessScorer:
    """`CPBD[narvekar2011]` and `CPBD-mouth[narvekar2011]`."""

    def __init__(self, device: str = "cpu") -> None:
        pass

    @staticmethod
    def describe() -> tuple[MetricInfo, ...]:
        """The metrics, without loading anything."""
        return (CROP, MOUTH)

    @property
    def metrics(self) -> tuple[MetricInfo, ...]:
        """Both."""
        return self.describe()

    def open(self, clip: PreparedClip) -> SharpnessAccumulator:
        """Begin a clip. Raises `ClipError` (`metric_failed`) for a crop or a mouth that is too small."""
        return SharpnessAccumulator(clip)

    def pool(self, output: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        """Nothing: both are clip metrics."""
        return {}
