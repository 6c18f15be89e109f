"""CPBD, a no-reference measure of sharpness, of the whole crop and of the mouth."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore, MetricInfo, Tolerance
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.metrics.base import ClipMetricScorer, LastResult, TrackRows, check_frames, fill_gaps, require_frames
from bench_lipsync.metrics.image.cpbd import BLOCK, EDGE_SHARE, Edges, cpbd, find_edges
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
MOUTH = replace(
    CROP,
    name="CPBD-mouth",
    needs=frozenset({"faces"}),
    signature=f"CPBD-mouth|region=mouth-gt-square{SIDE}|{_SETTINGS}",
    definition="the same for the edges in a square around the true lips",
)


class SharpnessAccumulator:
    """CPBD of every frame and of its mouth; a frame equal to the previous one costs nothing."""

    def __init__(self, clip: PreparedClip) -> None:
        if clip.size < BLOCK:
            raise ClipError(Status.METRIC_FAILED, f"CPBD needs frames of {BLOCK} pixels, these have {clip.size}")
        self._squares = TrackRows(mouth_squares(clip.faces.landmarks, clip.size))
        self._rows: list[list[float]] = []
        self._edges = LastResult[Edges]()

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames (n, size, size, 3) RGB; `truth` is not used. Raises `ClipError`."""
        check_frames(output)
        for frame, (left, top, side) in zip(output, self._squares.take(len(output)), strict=True):
            edges = self._edges(frame, partial(_frame_edges, frame))
            mouth = np.zeros(frame.shape[:2], np.bool_)
            mouth[top : top + side, left : left + side] = True
            values = cpbd(edges), cpbd(edges, mouth)
            self._rows.append([np.nan if value is None else value for value in values])

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """Means over the frames that have edges; a region without any in every frame has no value."""
        require_frames(self._rows)
        curves = dict(zip((CROP.column, MOUTH.column), np.array(self._rows, np.float64).T, strict=True))
        known = {column: curve for column, curve in curves.items() if np.isfinite(curve).any()}
        if CROP.column not in known:
            raise ClipError(Status.METRIC_FAILED, "there is no edge in any frame")
        values = {column: float(np.nanmean(curve)) for column, curve in known.items()}
        return ClipScore(values=values, per_frame={column: fill_gaps(curve) for column, curve in known.items()})


def _frame_edges(frame: NDArray[np.uint8]) -> Edges:
    import cv2

    return find_edges(np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8))


class SharpnessScorer(ClipMetricScorer):
    """`CPBD[narvekar2011]` and `CPBD-mouth[narvekar2011]`."""

    metrics = (CROP, MOUTH)

    def open(self, clip: PreparedClip) -> SharpnessAccumulator:
        """Begin a clip. Raises `ClipError` (`metric_failed`) for a crop or a mouth that is too small."""
        return SharpnessAccumulator(clip)
