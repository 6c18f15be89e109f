"""What SSIM, PSNR and LPIPS share: one value a frame, whose mean is the clip's value."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore, MetricInfo
from bench_lipsync.harness.errors import ClipError, Status

FrameValues = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.float64]]
"""(n, H, W, 3) uint8 output and truth to (n,) values."""


def check_frames(frames: NDArray[np.uint8], name: str = "output") -> None:
    """Raise `ClipError` (`bad_output`) unless `frames` is (n, H, W, 3) uint8."""
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
        raise ClipError(Status.BAD_OUTPUT, f"{name} frames are {frames.dtype} {frames.shape}, not uint8 (n, H, W, 3)")


def check_pair(output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
    """Raise `ClipError` (`bad_output`) unless both are uint8 frames of one shape; nothing is resized to fit."""
    check_frames(output)
    check_frames(truth, "truth")
    if output.shape != truth.shape:
        raise ClipError(Status.BAD_OUTPUT, f"output frames are {output.shape}, the truth's are {truth.shape}")


def differing(output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Indices of the frames that are not equal byte for byte."""
    if output is truth:
        return np.empty(0, dtype=np.intp)
    return np.flatnonzero([not np.array_equal(a, b) for a, b in zip(output, truth, strict=True)])


def drawn(curve: NDArray[np.float64]) -> NDArray[np.float32]:
    """A curve (frames,) for the report: frames without a value (NaN) are drawn between their neighbours."""
    known = np.flatnonzero(np.isfinite(curve))
    return np.interp(np.arange(len(curve)), known, curve[known]).astype(np.float32)


class FrameMeanAccumulator:
    """A clip being scored: per-frame values as they come, their mean in the end."""

    def __init__(self, info: MetricInfo, compute: FrameValues) -> None:
        self._info = info
        self._compute = compute
        self._values: list[NDArray[np.float64]] = []

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames. Raises `ClipError` (`bad_output`)."""
        check_pair(output, truth)
        self._values.append(self._compute(output, truth))

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """The clip's mean and its curve; the audio plays no part. Raises `ClipError` (`bad_output`) without frames."""
        values = np.concatenate(self._values) if self._values else np.empty(0)
        if not values.size:
            raise ClipError(Status.BAD_OUTPUT, "the output has no frames")
        column = self._info.column
        return ClipScore(values={column: float(values.mean())}, per_frame={column: values.astype(np.float32)})


class FrameMeanScorer:
    """A scorer of one clip metric that is a mean over frames."""

    def __init__(self, info: MetricInfo, compute: FrameValues) -> None:
        self._info = info
        self._compute = compute

    @property
    def metrics(self) -> tuple[MetricInfo, ...]:
        """The one metric it gives."""
        return (self._info,)

    def open(self, clip: PreparedClip) -> FrameMeanAccumulator:
        """Begin a clip."""
        return FrameMeanAccumulator(self._info, self._compute)

    def pool(self, output: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        """Nothing: this is no set metric."""
        return {}
