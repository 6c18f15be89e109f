"""CSIM: speaker identity, the cosine similarity of the ArcFace embeddings of output and ground truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import MetricInfo, Tolerance
from bench_lipsync.harness.assets.lookup import asset_spec
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.metrics.base import ClipMetricScorer, FrameMeanAccumulator, TrackRows, differing
from bench_lipsync.metrics.truth_cache import ClipCache, TruthCache
from bench_lipsync.models.backbones.arcface import ASSET, FIVE_POINTS, ArcFace, align, cosine

_CACHED_FRAMES = 72_000
"""Ground-truth frames whose embeddings are kept from one model to the next, together 150 MB at most."""

Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""An aligned face (112, 112, 3) RGB to its unit vector (512,)."""

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


class FrameCosines:
    """CSIM of each frame of a clip; frames equal to the ground truth get 1 without running the network."""

    def __init__(self, embed: Embed, clip: PreparedClip, cached: ClipCache) -> None:
        self._embed = embed
        self._points = TrackRows(clip.faces.landmarks[:, FIVE_POINTS, :2])
        self._cached = cached

    def __call__(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(n,) cosines of the next frames. Raises `ClipError` (`bad_output`, `metric_failed`)."""
        first = self._points.used
        points = self._points.take(len(output))
        values = np.ones(len(output))
        for i in differing(output, truth):
            vector = self._vector(output[i], points[i], first + i)
            reference = self._cached(first + i, partial(self._vector, truth[i], points[i], first + i))
            values[i] = cosine(vector, reference)
        return values

    def _vector(self, frame: NDArray[np.uint8], points: NDArray[np.float32], index: int) -> NDArray[np.float32]:
        try:
            return self._embed(align(frame, points))
        except ValueError as error:
            raise ClipError(Status.METRIC_FAILED, f"frame {index}: {error}") from error


class CsimScorer(ClipMetricScorer):
    """`CSIM[arcface-mbf]`. Raises `AssetMissing` until the user has fetched the network."""

    metrics = (INFO,)

    def __init__(self, device: str = "cpu") -> None:
        self._embed: Embed = ArcFace()
        self._truth = TruthCache(_CACHED_FRAMES)

    def open(self, clip: PreparedClip) -> FrameMeanAccumulator:
        """Begin a clip."""
        return FrameMeanAccumulator(INFO, FrameCosines(self._embed, clip, self._truth.of(clip)))
