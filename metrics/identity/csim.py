"""CSIM: speaker identity, the cosine similarity of the ArcFace embeddings of output and input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import ClassVar

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

_AGAINST = "against=same-frame-gt"

INFO = MetricInfo(
    name="CSIM",
    variant="arcface-mbf",
    direction="higher",
    unit="",
    range=(-1.0, 1.0),
    level="clip",
    needs=frozenset({"truth", "faces"}),
    signature=f"CSIM|net=w600k_mbf@{asset_spec(ASSET).sha256[:6]}|align=5pt-gt-112|{_AGAINST}"
    "|pool=frame-mean,clip-mean|v1",
    definition="cosine of the ArcFace vectors of an output frame and of the same frame of the ground truth, both cut "
    "by the ground truth's eyes, nose and mouth",
    tolerance=Tolerance(absolute=0.01),
    needs_alignment=False,
)
INPUT = replace(
    INFO,
    variant="arcface-mbf-input",
    needs=frozenset({"input", "faces"}),
    signature=INFO.signature.replace(_AGAINST, "against=input-same-frame"),
    definition="the same under foreign audio: against the same frame of the input video, whose words are others",
    only_without_truth=True,
)
FIRST_FRAME = replace(
    INFO,
    variant="arcface-mbf-first-frame",
    needs=frozenset({"input", "faces"}),
    signature=INFO.signature.replace(_AGAINST, "against=first-frame"),
    definition="the same against the first frame of the input video, the source picture; frames equal to it count 1",
    on_request=True,
    needs_alignment=True,
)


class FrameCosines:
    """CSIM of each frame against the same frame of the clip; equal frames get 1 without running the network."""

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


class FirstFrameCosines(FrameCosines):
    """CSIM of each frame against the clip's first; frames equal to it get 1 wherever the true head has moved."""

    _source: tuple[NDArray[np.uint8], NDArray[np.float32]] | None = None
    """The clip's first frame and its vector."""

    def __call__(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(n,) cosines of the next frames. Raises as `FrameCosines`."""
        first = self._points.used
        points = self._points.take(len(output))
        values = np.ones(len(output))
        if self._source is None and len(truth):
            self._source = truth[0].copy(), self._cached(0, partial(self._vector, truth[0], points[0], 0))
        if self._source is None:
            return values
        picture, reference = self._source
        changed = set(differing(output, truth))
        for i in differing(output, np.broadcast_to(picture, output.shape)):
            embed = partial(self._vector, output[i], points[i], first + i)
            # A frame of the input itself is embedded once for all models.
            values[i] = cosine(embed() if i in changed else self._cached(first + i, embed), reference)
        return values


class CsimScorer(ClipMetricScorer):
    """`CSIM[arcface-mbf]`. Raises `AssetMissing` until the user has fetched the network."""

    metrics: tuple[MetricInfo, ...] = (INFO,)
    _cosines: ClassVar[type[FrameCosines]] = FrameCosines

    def __init__(self, device: str = "cpu") -> None:
        self._embed: Embed = ArcFace()
        self._truth = TruthCache(_CACHED_FRAMES)

    def open(self, clip: PreparedClip) -> FrameMeanAccumulator:
        """Begin a clip."""
        return FrameMeanAccumulator(self.metrics[0], self._cosines(self._embed, clip, self._truth.of(clip)))


class CsimInputScorer(CsimScorer):
    """`CSIM[arcface-mbf-input]`."""

    metrics = (INPUT,)


class CsimFirstFrameScorer(CsimScorer):
    """`CSIM[arcface-mbf-first-frame]`."""

    metrics = (FIRST_FRAME,)
    _cosines = FirstFrameCosines
