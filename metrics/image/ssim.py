"""Structural similarity with the settings of Wang et al. 2004."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import MetricInfo, Tolerance
from bench_lipsync.metrics.base import ClipMetricScorer, FrameMeanAccumulator, check_pair, differing

INFO = MetricInfo(
    name="SSIM",
    variant="wang2004",
    direction="higher",
    unit="",
    range=(-1.0, 1.0),
    level="clip",
    needs=frozenset({"truth"}),
    signature="SSIM|wang2004|gauss=1.5|win=11|k=0.01,0.03|range=255|rgb|pool=frame-mean,clip-mean|v1",
    definition="Mean over pixels and RGB channels of the SSIM map: Gaussian window of sigma 1.5 and 11x11 taps, "
    "population covariance, range 255; the border of 5 pixels is left out.",
    default=True,
    tolerance=Tolerance(absolute=0.01),
)

_SIGMA = 1.5
_RADIUS = 5
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2


def ssim(output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.float64]:
    """SSIM of each frame, (n,) in [-1, 1], from (n, H, W, 3) uint8 with H, W >= 11; equal frames give exactly 1.

    Equals `skimage.metrics.structural_similarity(channel_axis=2, gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False, data_range=255)`, several times faster.
    Raises `ClipError` (`bad_output`) for different shapes and `ValueError` for frames smaller than the window.
    """
    check_pair(output, truth)
    if min(output.shape[1:3]) < 2 * _RADIUS + 1:
        raise ValueError(f"SSIM needs frames of at least 11x11 pixels, these are {output.shape[1]}x{output.shape[2]}")
    values = np.ones(len(output))
    for index in differing(output, truth):
        values[index] = _frame_ssim(output[index], truth[index])
    return values


def _frame_ssim(output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    # float64: variances are differences of large numbers, and float32 is off by more than 1e-5 on flat frames.
    x, y = output.astype(np.float64), truth.astype(np.float64)
    mean_x, mean_y = _blur(x), _blur(y)
    # The formula needs the two variances only as their sum, which saves one blur.
    product, squares = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
    covariance = _blur(x * y) - product
    variances = _blur(x * x + y * y) - squares
    numerator = (2.0 * product + _C1) * (2.0 * covariance + _C2)
    denominator = (squares + _C1) * (variances + _C2)
    return float(np.mean(numerator / denominator))


def _blur(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian-weighted mean around every pixel whose whole window lies in the image: (H - 10, W - 10, 3)."""
    import cv2

    kernel = cv2.getGaussianKernel(2 * _RADIUS + 1, _SIGMA, cv2.CV_64F)
    blurred = cv2.sepFilter2D(image, cv2.CV_64F, kernel, kernel)
    inside = slice(_RADIUS, -_RADIUS)
    return np.asarray(blurred[inside, inside], dtype=np.float64)


class SsimScorer(ClipMetricScorer):
    """`SSIM[wang2004]`."""

    metrics = (INFO,)

    def open(self, clip: PreparedClip) -> FrameMeanAccumulator:
        """Begin a clip."""
        return FrameMeanAccumulator(INFO, ssim)
