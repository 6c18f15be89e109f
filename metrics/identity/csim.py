"""CSIM: whether the output shows the same person as the truth, by the cosine of two ArcFace vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore, MetricInfo, Tolerance
from bench_lipsync.harness.assets.lookup import asset_spec
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.metrics.base import check_pair
from bench_lipsync.metrics.truth_cache import Recall, TruthMemory
from bench_lipsync.models.backbones.arcface import ASSET, FIVE_POINTS, ArcFace, align, cosine

_REMEMBERED_FRAMES = 72_000
"""Frames of ground truth whose vectors are kept from one model to the next, together 150 MB at most."""

Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""An aligned face (112, 112, 3) RGB to its unit vector."""

INFO = MetricInfo(
    name="CSIM",
    variant="arcface-mbf",
    direction="higher",
    unit="",
    range=(-1.0, 1.0),
    level="clip",
    needs=frozenset({"truth", "faces"}),
    signature=f"CSIM|net=w600k_mbf@{asset_spec(ASSET).sha256[:6]}|align=5pt-gt-112|against=same-frame-gt"
    "|pool=frame-mean,clip-mean|v1",
    definition="cosine of the ArcFace vectors of an output frame and of the same frame of the ground truth, both cut "
    "by the ground truth's eyes, nose and mouth",
    tolerance=Tolerance(absolute=0.01),
    needs_alignment=False,
)


class CsimAccumulator:
    """One clip; frames equal to the truth are not looked at."""

    def __init__(self, embed: Embed, clip: PreparedClip, recall: Recall) -> None:
        self._embed = embed
        self._points = clip.faces.landmarks[:, FIVE_POINTS, :2]
        self._recall = recall
        self._values: list[float] = []

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames. Raises `ClipError` (`bad_output`, `metric_failed`)."""
        check_pair(output, truth)
        for frame, real in zip(output, truth, strict=True):
            index = len(self._values)
            if index >= len(self._points):
                raise ClipError(Status.BAD_OUTPUT, f"more frames than the face track has ({len(self._points)})")
            if np.array_equal(frame, real):
                self._values.append(1.0)
                continue
            vectors = self._vector(frame, index), self._recall(index, partial(self._vector, real, index))
            self._values.append(cosine(*vectors))

    def _vector(self, frame: NDArray[np.uint8], index: int) -> NDArray[np.float32]:
        try:
            return self._embed(align(frame, self._points[index]))
        except ValueError as error:
            raise ClipError(Status.METRIC_FAILED, f"frame {index}: {error}") from error

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """The clip's mean and curve; the audio plays no part. Raises `ClipError` (`bad_output`) without frames."""
        if not self._values:
            raise ClipError(Status.BAD_OUTPUT, "the output has no frames")
        curve = np.array(self._values)
        return ClipScore(values={INFO.column: float(curve.mean())}, per_frame={INFO.column: curve.astype(np.float32)})


class CsimScorer:
    """`CSIM[arcface-mbf]`. Raises `AssetMissing` until the user has fetched the network."""

    def __init__(self, device: str = "cpu") -> None:
        self._embed: Embed = ArcFace()
        self._memory = TruthMemory(_REMEMBERED_FRAMES)

    @staticmethod
    def describe() -> tuple[MetricInfo, ...]:
        """The metrics, without loading anything."""
        return (INFO,)

    @property
    def metrics(self) -> tuple[MetricInfo, ...]:
        """The one metric it gives."""
        return (INFO,)

    def open(self, clip: PreparedClip) -> CsimAccumulator:
        """Begin a clip."""
        return CsimAccumulator(self._embed, clip, self._memory.of(clip))

    def pool(self, output: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        """Nothing: this is no set metric."""
        return {}
