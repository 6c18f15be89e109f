"""LMD as the script of ATVGnet computes it: the mouth of dlib's 68 points in whole pixels, each about its own centre.

The script sums over the 20 points. Values that papers print fit the mean, so there are both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore, MetricInfo, Tolerance
from bench_lipsync.harness.assets.lookup import asset_spec
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.tracker import MAX_MISSING_SHARE
from bench_lipsync.metrics.base import ClipMetricScorer, LastResult, check_pair, require_frames
from bench_lipsync.metrics.landmarks.lmd import centred
from bench_lipsync.metrics.truth_cache import ClipCache, TruthCache
from bench_lipsync.models.backbones.dlib_landmarks import ASSET, MOUTH, DlibMouth

_CACHED_FRAMES = 72_000
"""Ground-truth frames whose points are kept from one model to the next, together 15 MB at most."""
_SETTINGS = (
    f"net=shape_predictor_68@{asset_spec(ASSET).sha256[:6]}|detector=dlib-hog,grey,up=1,last|points=mouth20@crop,int"
)

FindMouth = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""A frame (H, W, 3) RGB to the points (20, 2) of its mouth in pixels; NaN without a face."""

SUM = MetricInfo(
    name="LMD",
    variant="atvg-sum",
    direction="lower",
    unit="px",
    range=(0.0, None),
    level="clip",
    needs=frozenset({"truth", "faces"}),
    signature=f"LMD|{_SETTINGS}|align=centroid|over=sum|pool=frame-mean,clip-mean|v1",
    definition="distances of dlib's 20 mouth points from the ground truth's, after both mouths were moved to one "
    "centre, summed over the points",
    on_request=True,
    aliases=("atvg",),
    tolerance=Tolerance(relative=0.1, absolute=0.1),
)
MEAN = replace(
    SUM,
    variant="atvg-mean",
    signature=SUM.signature.replace("over=sum", "over=mean"),
    definition="the same, averaged over the points",
)
MISSED = replace(
    SUM,
    name="LMD-missed",
    variant="atvg",
    unit="% of frames",
    range=(0.0, 100.0),
    signature=f"LMD-missed|{_SETTINGS}|pool=clip-mean|v1",
    definition="frames that LMD[atvg] leaves out, because dlib finds no face in them or in the ground truth's",
    on_request=False,
    aliases=(),
    tolerance=Tolerance(absolute=1.0),
)


def mouth_distance(output: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.float64]:
    """(...) sum over the points of the Euclidean distances of two mouths (..., P, 2), each about its own centre."""
    return np.asarray(np.linalg.norm(centred(output) - centred(truth), axis=-1).sum(axis=-1), np.float64)


class AtvgAccumulator:
    """Keeps a number per frame."""

    def __init__(self, find: FindMouth, cached: ClipCache) -> None:
        """`cached`: mouths of the ground truth that were found for an earlier model."""
        self._find = find
        self._cached = cached
        self._sums: list[float] = []
        self._last = LastResult[NDArray[np.float32]]()

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames. Raises `ClipError` (`bad_output`)."""
        check_pair(output, truth)
        for frame, truth_frame in zip(output, truth, strict=True):
            truth_mouth = self._cached(len(self._sums), partial(self._find, truth_frame))
            if np.array_equal(frame, truth_frame):
                mouth = self._last.keep(frame, truth_mouth)
            else:
                mouth = self._last(frame, partial(self._find, frame))
            self._sums.append(float(mouth_distance(mouth, truth_mouth)))

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """Means over the frames with a face on both sides; the audio is not used.

        Raises `ClipError` (`metric_failed`) where more than a tenth of the frames lacks one.
        """
        require_frames(self._sums)
        sums = np.array(self._sums)
        missing = int(np.isnan(sums).sum())
        if missing > MAX_MISSING_SHARE * len(sums):
            reason = f"dlib found no face in {missing} of {len(sums)} frames of the output or the ground truth"
            raise ClipError(Status.METRIC_FAILED, reason)
        mean, points = float(np.nanmean(sums)), len(MOUTH)
        curves = {SUM.column: sums.astype(np.float32), MEAN.column: (sums / points).astype(np.float32)}
        values = {SUM.column: mean, MEAN.column: mean / points, MISSED.column: 100.0 * missing / len(sums)}
        return ClipScore(values=values, per_frame=curves)


class AtvgScorer(ClipMetricScorer):
    """`LMD[atvg-sum]`, `LMD[atvg-mean]`, `LMD-missed[atvg]`. Raises as `DlibMouth`."""

    metrics = (SUM, MEAN, MISSED)

    def __init__(self, device: str = "cpu") -> None:
        self._find: FindMouth = DlibMouth()
        self._truth = TruthCache(_CACHED_FRAMES)

    def open(self, clip: PreparedClip) -> AtvgAccumulator:
        """Begin a clip; the mouths of the ground truth are found once per run, as far as the cache has room."""
        return AtvgAccumulator(self._find, self._truth.of(clip))
