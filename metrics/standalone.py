"""Metrics on arrays, outside of a run, in the manner of torchmetrics: `update`, `compute`, `reset`.

One class wraps the scorers of a run, so the numbers are those of a run.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.media.format import SAMPLES_PER_FRAME
from bench_lipsync.harness.registry.metric_names import metric_names
from bench_lipsync.harness.registry.plugins import SCORERS

if TYPE_CHECKING:
    from bench_lipsync.harness.faces.track import FaceTrack

T = TypeVar("T")


class Metric:
    """A metric computed from arrays. Each `update` is one clip.

    `bench_lipsync.metrics` exports one for each metric: `FID`, `SSIM`, `LSE`, ...

    Args:
        names: `NAME` or `NAME[VARIANT]` as `bench list metrics` prints them, all of one scorer.
        variant: Appended to all `names`, such as `open-syncnet` for LSE.
        device: Where networks run: `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        BenchError: No such metric, or `names` of several scorers. `AssetMissing` where weights are missing.

    Example:
        >>> import numpy as np
        >>> from bench_lipsync.metrics import PSNR, SSIM
        >>> truth = np.random.default_rng(0).integers(0, 200, (5, 64, 64, 3), dtype=np.uint8)
        >>> psnr, ssim = PSNR(), SSIM()
        >>> for output in (truth + 1, truth + 2):
        ...     psnr.update(output, truth)
        ...     ssim.update(output, truth)
        >>> f"{psnr.compute():.3f} {ssim.compute():.5f}"
        '45.121 0.99987'

    """

    def __init__(self, *names: str, variant: str | None = None, device: str = "cpu") -> None:
        known = metric_names()
        offers = [offer for name in names for offer in known.ask(f"{name}[{variant}]" if variant else name)]
        offers = [offer for offer in offers if not offer.info.only_without_truth] or offers
        if len({offer.scorer for offer in offers}) != 1:
            ambiguous = ", ".join(offer.info.column for offer in offers) or "nothing"
            raise BenchError(f"{', '.join(names)!r} stands for {ambiguous}; name one, or pass `variant`")
        self._scorer = SCORERS.get(offers[0].scorer)(device=device)
        columns = {offer.info.column for offer in offers}
        self.infos = tuple(info for info in self._scorer.metrics if info.column in columns)
        """Description of each value."""
        self.reset()

    def __repr__(self) -> str:
        return f"Metric({', '.join(repr(info.column) for info in self.infos)})"

    @property
    def higher_is_better(self) -> Any:
        """`True`, `False`, or `None` where neither end is better; by name where `compute` returns several values."""
        return self._by_name({info.column: {"higher": True, "lower": False}.get(info.direction) for info in self.infos})

    def reset(self) -> None:
        """Forget all clips; networks stay loaded."""
        self._clips: list[ClipScore] = []
        self._truths: list[ClipScore] = []

    def update(self, frames: Any, truth: Any = None, audio: Any = None, *, faces: FaceTrack | None = None) -> None:
        """Add a clip. Metrics that do not compare take the audio in second place: `LSE().update(frames, audio)`.

        Args:
            frames: Output at 25 frames per second: (n, H, W, 3) uint8 RGB array, or a tensor (n, 3, H, W), uint8 or
                float in [0, 1], which is rounded to 8 bits as in a video file.
            truth: Ground truth, of the same shape.
            audio: (samples,) int16 at 16 kHz mono, that the lips are judged against; 640 samples per frame.
            faces: Face track of the ground truth, such as `PreparedClip.faces`. Metrics that need one otherwise run
                MediaPipe on `truth`, or on `frames` without it; frames must then be square face crops.

        Raises:
            BenchError: A missing argument, a wrong type or shape. `AssetMissing` without the face landmarker.
            ClipError: The clip has no value: `no_face`, `too_short`, `metric_failed`, as in a run.

        """
        if audio is None and getattr(truth, "ndim", 0) == 1:
            truth, audio = None, truth
        compares = any(info.compares for info in self._scorer.metrics)
        if truth is None and compares:
            raise BenchError(f"{self} compares with the ground truth; call update(frames, truth)")
        if audio is None and any("audio" in info.needs for info in self.infos):
            raise BenchError(f"{self} needs the audio; call update(frames, audio=samples) with int16 samples at 16 kHz")
        output = _as_frames(frames, "frames")
        reference = output if truth is None else _as_frames(truth, "truth")
        if output.shape != reference.shape:
            raise BenchError(f"frames are {output.shape}, truth is {reference.shape}; both must have one shape")
        samples = np.zeros(len(output) * SAMPLES_PER_FRAME, np.int16) if audio is None else _as_samples(audio)
        clip = ArrayClip(reference, samples, faces)
        score = self._score(clip, output)
        if any(info.level == "set" for info in self.infos):
            self._truths.append(self._score(clip, reference))
        self._clips.append(score)

    def compute(self) -> Any:
        """Value over all clips: the mean of clip metrics, one pooled value of set metrics.

        Returns:
            A float; a dict by name where the metric has several values (LSE).

        Raises:
            BenchError: No clip was added, or none has a value.
            ClipError: Too few frames for a set metric.

        """
        values = {}
        for column in (info.column for info in self.infos if info.level == "clip"):
            # As in a run, a clip may have no value of a metric (LipLeak without silence).
            known = [score.values[column] for score in self._clips if column in score.values]
            values[column] = math.fsum(known) / len(known) if known else math.nan
        for column in (info.column for info in self.infos if info.level == "set" and self._clips):
            sides = ([score.features[column] for score in scores] for scores in (self._clips, self._truths))
            values[column] = self._scorer.pool(*sides)[column]
        missing = [info.column for info in self.infos if math.isnan(values.get(info.column, math.nan))]
        if missing:
            raise BenchError(f"{', '.join(missing)} has no value after {len(self._clips)} clips; call update first")
        return self._by_name(values)

    def _score(self, clip: ArrayClip, output: NDArray[np.uint8]) -> ClipScore:
        accumulator = self._scorer.open(cast(PreparedClip, clip))
        for part, truth in zip(clip.chunks(output), clip.chunks(clip.truth), strict=True):
            accumulator.update(part, part if output is clip.truth else truth)
        return accumulator.compute(clip.samples)

    def _by_name(self, values: dict[str, T]) -> T | dict[str, T]:
        if len(self.infos) == 1:
            return values[self.infos[0].column]
        return {info.name: values[info.column] for info in self.infos}


@dataclass
class ArrayClip:
    """What scorers use of a `PreparedClip`, for a clip in memory."""

    truth: NDArray[np.uint8]
    samples: NDArray[np.int16]
    track: FaceTrack | None = None

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.truth)

    @property
    def size(self) -> int:
        """Side of the frames in pixels. Raises `BenchError` unless they are square."""
        height, width = self.truth.shape[1:3]
        if height != width:
            raise BenchError(f"frames are {height}x{width}; this metric needs square face crops")
        return int(height)

    @cached_property
    def content_hash(self) -> str:
        """sha256 over the frames and the face track, under which scorers keep results for the ground truth."""
        track = b"" if self.track is None else np.ascontiguousarray(self.track.landmarks).tobytes()
        return hashlib.sha256(np.ascontiguousarray(self.truth).tobytes() + track).hexdigest()

    def audio(self) -> NDArray[np.int16]:
        """The samples."""
        return self.samples

    @cached_property
    def faces(self) -> FaceTrack:
        """The face track, found in the frames unless one was passed. Raises `ClipError` (`no_face`)."""
        if self.track is not None:
            return self.track
        from bench_lipsync.harness.faces.crop import CropBox
        from bench_lipsync.harness.faces.landmarker import Landmarker
        from bench_lipsync.harness.faces.track_builder import canonical_track
        from bench_lipsync.harness.faces.tracker import FaceTracker

        with Landmarker() as landmarker:
            tracker = FaceTracker(landmarker)
            for frame in self.truth:
                tracker.add(frame)
        return canonical_track(tracker.finish(), self.frames, CropBox(0, 0, self.size), self.size)

    def chunks(self, frames: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
        """`frames` in chunks as large as in a run, on which features depend in the last digits."""
        from bench_lipsync.harness.scoring.one_pass import chunk_length

        length = chunk_length(max(frames.shape[1:3]))
        return (frames[start : start + length] for start in range(0, len(frames), length))


def _as_frames(value: Any, name: str) -> NDArray[np.uint8]:
    """(n, H, W, 3) uint8. Raises `BenchError` for anything but the arrays and tensors of `Metric.update`."""
    expected = "pass a uint8 RGB array (n, H, W, 3), or a tensor (n, 3, H, W), uint8 or float in [0, 1]"
    if type(value).__module__.partition(".")[0] == "torch":
        tensor = value.detach()
        if tensor.ndim != 4 or tensor.shape[1] != 3 or not len(tensor):
            raise BenchError(f"{name} is a tensor {tuple(tensor.shape)}; {expected}")
        if tensor.is_floating_point():
            low, high = float(tensor.min()), float(tensor.max())
            if not (low >= 0.0 and high <= 1.0):
                raise BenchError(f"{name} is a float tensor with values from {low:g} to {high:g}; {expected}")
            tensor = (tensor * 255.0).round().byte()
        value = tensor.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    if not isinstance(value, np.ndarray):
        raise BenchError(f"{name} is a {type(value).__name__}; {expected}")
    if value.dtype != np.uint8 or value.ndim != 4 or value.shape[3] != 3 or not len(value):
        raise BenchError(f"{name} is {value.dtype} {value.shape}; {expected}")
    return value


def _as_samples(value: Any) -> NDArray[np.int16]:
    """(samples,) int16. Raises `BenchError` for anything else."""
    samples = np.asarray(value)
    if samples.dtype != np.int16 or samples.ndim != 1 or not len(samples):
        raise BenchError(f"audio is {samples.dtype} {samples.shape}; pass mono int16 samples (n,) at 16 kHz")
    return samples
