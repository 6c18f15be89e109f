"""SSIM, PSNR and LPIPS of the mouth alone, since most outputs copy the rest of the frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore, MetricInfo, Tolerance
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.landmark_indices import LIPS
from bench_lipsync.metrics.base import ClipMetricScorer, FrameMeanAccumulator, FrameValues, TrackRows, check_pair
from bench_lipsync.metrics.image import lpips, psnr, ssim

SIDE = 1.6
"""Side of the square in widths of the mouth: lips wide open, without the tip of the nose and most of the chin."""
SMALLEST = 32
"""Smallest side in pixels that the networks and windows can process."""
_REGION = f"region=mouth-gt-square{SIDE}"


def _of_the_mouth(info: MetricInfo, tolerance: Tolerance, default: bool) -> MetricInfo:
    """The description of a whole-frame metric, for the mouth."""
    head, _, rest = info.signature.partition("|")
    return replace(
        info,
        name=f"{info.name}-mouth",
        needs=frozenset({"truth", "faces"}),
        signature=f"{head}-mouth|{_REGION}|{rest}".replace("|frames=crop", ""),
        definition=f"{info.name} of a square around the true lips, at the crop's own resolution. {info.definition}",
        default=default,
        tolerance=tolerance,
    )


SSIM = _of_the_mouth(ssim.INFO, Tolerance(absolute=0.02), default=True)
PSNR = _of_the_mouth(psnr.INFO, Tolerance(absolute=0.5), default=True)
LPIPS = _of_the_mouth(lpips.INFO, Tolerance(relative=0.05, absolute=0.01), default=False)


def mouth_squares(landmarks: NDArray[np.float32], size: int) -> NDArray[np.intp]:
    """(T, 3) left, top and side in pixels of each frame's square, from the truth's landmarks (T, 478, 2 or 3).

    The side is one for the clip: `SIDE` times the median width of the lips. The square is centred on the lips of its
    frame and moved into the crop. Raises `ClipError` (`metric_failed`) where it is smaller than `SMALLEST` or does not
    fit into the crop.
    """
    lips = landmarks[:, LIPS, :2].astype(np.float64)
    low, high = lips.min(axis=1), lips.max(axis=1)
    side = round(SIDE * float(np.median((high - low).max(axis=1))))
    if not SMALLEST <= side <= size:
        reason = f"the square around the mouth is {side} pixels wide, in a crop of {size}; {SMALLEST} are needed"
        raise ClipError(Status.METRIC_FAILED, reason)
    corners = np.clip(np.round((low + high - side) / 2), 0, size - side).astype(np.intp)
    return np.column_stack([corners, np.full(len(corners), side, np.intp)])


class MouthAccumulator:
    """Cuts the squares out of both videos and passes them on to the metrics."""

    def __init__(self, clip: PreparedClip, functions: Mapping[MetricInfo, FrameValues]) -> None:
        self._squares = TrackRows(mouth_squares(clip.faces.landmarks, clip.size))
        self._parts = [FrameMeanAccumulator(info, function) for info, function in functions.items()]

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames. Raises `ClipError` (`bad_output`)."""
        check_pair(output, truth)
        squares = self._squares.take(len(output))
        output_mouths = _cut(output, squares)
        truth_mouths = output_mouths if output is truth else _cut(truth, squares)
        for part in self._parts:
            part.update(output_mouths, truth_mouths)

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """Means and per-frame values; the audio is not used. Raises `ClipError` (`bad_output`) without frames."""
        scores = [part.compute(audio) for part in self._parts]
        return ClipScore(
            values={column: value for score in scores for column, value in score.values.items()},
            per_frame={column: curve for score in scores for column, curve in score.per_frame.items()},
        )


def _cut(frames: NDArray[np.uint8], squares: NDArray[np.intp]) -> NDArray[np.uint8]:
    cuts = [f[top : top + side, left : left + side] for f, (left, top, side) in zip(frames, squares, strict=True)]
    return np.stack(cuts) if cuts else frames[:, :0, :0]


class MouthScorer(ClipMetricScorer):
    """`SSIM-mouth[wang2004]` and `PSNR-mouth[rgb255]`."""

    metrics: tuple[MetricInfo, ...] = (SSIM, PSNR)

    def __init__(self, device: str = "cpu") -> None:
        self._functions: tuple[FrameValues, ...] = (ssim.ssim, psnr.psnr)

    def open(self, clip: PreparedClip) -> MouthAccumulator:
        """Begin a clip. Raises `ClipError` (`metric_failed`) for a mouth that is too small or too large."""
        return MouthAccumulator(clip, dict(zip(self.metrics, self._functions, strict=True)))


class MouthLpipsScorer(MouthScorer):
    """`LPIPS-mouth[alex]`. Raises `AssetMissing` without the backbone's weights."""

    metrics = (LPIPS,)

    def __init__(self, device: str = "cpu") -> None:
        self._functions = (lpips.lpips_values(device),)
