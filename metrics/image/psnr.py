"""Peak signal-to-noise ratio."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import MetricInfo, Tolerance
from bench_lipsync.metrics.base import ClipMetricScorer, FrameMeanAccumulator, check_pair

CAP = 100.0
"""dB given to identical frames, whose true value is infinite, and to any that come above it."""

INFO = MetricInfo(
    name="PSNR",
    variant="rgb255",
    direction="higher",
    unit="dB",
    range=(0.0, CAP),
    level="clip",
    needs=frozenset({"truth"}),
    signature="PSNR|rgb|peak=255|cap=100|pool=frame-mean,clip-mean|v1",
    definition="20 log10(255 / sqrt(MSE)) over the three channels of a frame; the clip's value is the mean of the dB.",
    default=True,
    tolerance=Tolerance(absolute=0.5),
)


def psnr(output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.float64]:
    """PSNR in dB of each frame, (n,) in [0, 100], from (n, H, W, 3) uint8.

    The error is summed in integers, so that nothing wraps around and nothing is rounded.
    Raises `ClipError` (`bad_output`) for different shapes.
    """
    check_pair(output, truth)
    error = output.astype(np.int32) - truth
    mse = np.square(error).sum(axis=(1, 2, 3), dtype=np.int64) / max(1, error[:1].size)
    with np.errstate(divide="ignore"):
        decibels = 20.0 * np.log10(255.0) - 10.0 * np.log10(mse)
    return np.asarray(np.minimum(decibels, CAP), dtype=np.float64)


class PsnrScorer(ClipMetricScorer):
    """`PSNR[rgb255]`."""

    metrics = (INFO,)

    def open(self, clip: PreparedClip) -> FrameMeanAccumulator:
        """Begin a clip."""
        return FrameMeanAccumulator(INFO, psnr)
