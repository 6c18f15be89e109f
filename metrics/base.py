"""What the scorers share: the base class, checks of frames, and means over frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipAccumulator, ClipScore, MetricInfo
from bench_lipsync.harness.errors import ClipError, Status

T = TypeVar("T")
Scalar = TypeVar("Scalar", bound=np.generic)

FrameValues = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.float64]]
"""Output and ground truth, (n, H, W, 3) uint8 each, to (n,) values."""


class ClipMetricScorer:
    """Base of scorers. Subclasses set `metrics` and implement `open`; those of set metrics override `pool` as well."""

    metrics: tuple[MetricInfo, ...]

    def __init__(self, device: str = "cpu") -> None:
        """`device`: for scorers with a network."""

    @classmethod
    def describe(cls) -> tuple[MetricInfo, ...]:
        """The metrics, without loading weights."""
        return cls.metrics

    def open(self, clip: PreparedClip) -> ClipAccumulator:
        """Begin a clip."""
        raise NotImplementedError

    def pool(self, output: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        """Set metrics by column: none."""
        return {}


class FrameMeanAccumulator:
    """Accumulates one value per frame; the clip's value is their mean."""

    def __init__(self, info: MetricInfo, function: FrameValues) -> None:
        self._info = info
        self._function = function
        self._values: list[NDArray[np.float64]] = []

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames. Raises `ClipError` (`bad_output`)."""
        check_pair(output, truth)
        self._values.append(self._function(output, truth))

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """Mean and per-frame values; the audio is not used. Raises `ClipError` (`bad_output`) without frames."""
        values = np.concatenate(self._values) if self._values else np.empty(0)
        require_frames(values)
        column = self._info.column
        return ClipScore(values={column: float(values.mean())}, per_frame={column: values.astype(np.float32)})


class TrackRows(Generic[Scalar]):
    """Hands out the rows of a per-frame array, usually of the face track, along with the frames of a clip."""

    def __init__(self, rows: NDArray[Scalar]) -> None:
        self._rows = rows
        self.used = 0
        """Rows handed out so far."""

    def take(self, count: int) -> NDArray[Scalar]:
        """The next `count` rows. Raises `ClipError` (`bad_output`) where there are fewer."""
        rows = self._rows[self.used : self.used + count]
        if len(rows) < count:
            raise ClipError(Status.BAD_OUTPUT, f"more frames than the face track has ({len(self._rows)})")
        self.used += count
        return rows


class LastResult(Generic[T]):
    """The result for the latest frame, reused for frames equal to it: a still picture is computed once."""

    def __init__(self) -> None:
        self._last: tuple[NDArray[np.uint8], T] | None = None

    def __call__(self, frame: NDArray[np.uint8], compute: Callable[[], T]) -> T:
        """The latest result if `frame` equals the latest one byte for byte, otherwise that of `compute`."""
        if self._last is not None and np.array_equal(frame, self._last[0]):
            return self._last[1]
        return self.keep(frame, compute())

    def keep(self, frame: NDArray[np.uint8], result: T) -> T:
        """Make `result` the latest one."""
        self._last = (frame.copy(), result)
        return result


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


def require_frames(values: Sequence[object] | NDArray[np.float64]) -> None:
    """Raise `ClipError` (`bad_output`) where nothing was accumulated."""
    if not len(values):
        raise ClipError(Status.BAD_OUTPUT, "the output has no frames")


def differing(output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Indices of the frames that are not equal byte for byte."""
    if output is truth:
        return np.empty(0, dtype=np.intp)
    return np.flatnonzero([not np.array_equal(a, b) for a, b in zip(output, truth, strict=True)])


def fill_gaps(curve: NDArray[np.float64]) -> NDArray[np.float32]:
    """A curve (frames,) for the report: frames without a value (NaN) are interpolated from their neighbours."""
    known = np.flatnonzero(np.isfinite(curve))
    return np.interp(np.arange(len(curve)), known, curve[known]).astype(np.float32)


@contextmanager
def pooling_of(metric: str, rows: str = "frames") -> Iterator[None]:
    """Turns a `ValueError` of the distance (too few `rows`) into `ClipError` (`metric_failed`)."""
    try:
        yield
    except ValueError as error:
        raise ClipError(Status.METRIC_FAILED, f"{metric}: {str(error).replace('frames', rows)}") from error
