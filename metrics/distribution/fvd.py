"""Fréchet video distance (Unterthiner et al. 2018): FID's distance on I3D's features of short windows of video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore, ManyFeatures, MetricInfo, Tolerance
from bench_lipsync.harness.assets.lookup import asset_path, asset_spec
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.metrics.base import ClipMetricScorer, LastResult, check_pair, pooling_of
from bench_lipsync.metrics.distribution.frechet import frechet_distance, frechet_of_moments

if TYPE_CHECKING:
    from torch import nn

WINDOW = 16
"""Frames (0.64 s) of a window; windows follow each other without a gap or an overlap."""
_ASSET = "i3d_kinetics"

INFO = MetricInfo(
    name="FVD",
    variant="i3d-kinetics-400",
    direction="lower",
    unit="",
    range=(0.0, None),
    level="set",
    needs=frozenset(),
    signature=f"FVD|net=i3d-kinetics-400@{asset_spec(_ASSET).sha256[:6]}|layer=logits400|frames=crop"
    f"|resize=bilinear224|window={WINDOW}|step={WINDOW}|pool=all-windows|v1",
    definition="Fréchet distance between Gaussians fitted to the 400 logits of I3D for all 16-frame windows of the "
    "output and of the ground truth. Biased upwards for few windows; below 400 the covariance has not full rank: "
    "compare only values over the same clips.",
    tolerance=Tolerance(relative=0.1, absolute=5.0),
)


def video_features(network: nn.Module, window: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(400,) float32 features of a window (T, H, W, 3) uint8 RGB, T >= 16."""
    import torch

    from bench_lipsync.models.backbones.i3d import SIDE

    device = next(network.parameters()).device
    with torch.inference_mode():
        frames = torch.from_numpy(window).to(device).permute(0, 3, 1, 2).float()
        resized = torch.nn.functional.interpolate(frames, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        video = (resized / 127.5 - 1.0).transpose(0, 1)[None]
        return np.asarray(network(video)[0].cpu().numpy(), np.float32)


class FvdAccumulator:
    """Features of every window; a window equal to the previous one costs nothing."""

    def __init__(self, features: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> None:
        self._function = features
        self._pending: list[NDArray[np.uint8]] = []
        self._features: list[NDArray[np.float32]] = []
        self._last = LastResult[NDArray[np.float32]]()

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames; of `truth` only the shape is used. Raises `ClipError` (`bad_output`)."""
        check_pair(output, truth)
        for frame in output:
            self._pending.append(frame.copy())
            if len(self._pending) == WINDOW:
                window = np.stack(self._pending)
                self._features.append(self._last(window, partial(self._function, window)))
                self._pending.clear()

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """(windows, 400) features; the audio is not used. Raises `ClipError` (`too_short`) without a full window."""
        if not self._features:
            raise ClipError(Status.TOO_SHORT, f"{len(self._pending)} frames; FVD looks at windows of {WINDOW}")
        return ClipScore(features={INFO.column: np.stack(self._features)})


class FvdScorer(ClipMetricScorer):
    """`FVD[i3d-kinetics-400]`. Raises `AssetMissing` without the network's weights."""

    metrics = (INFO,)

    def __init__(self, device: str = "cpu") -> None:
        from bench_lipsync.models.backbones.i3d import load_i3d

        self._network = load_i3d(asset_path(_ASSET), device)

    def open(self, clip: PreparedClip) -> FvdAccumulator:
        """Begin a clip."""
        return FvdAccumulator(partial(video_features, self._network))

    def pool(self, output: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        """FVD of the pooled windows. Raises `ClipError` (`metric_failed`) with fewer than 2 windows a side."""
        with pooling_of("FVD", "windows"):
            return {INFO.column: frechet_distance(output, truth)}

    def pool_many(self, output: ManyFeatures, truth: ManyFeatures) -> dict[str, float]:
        """The same for more windows than memory holds, within 1e-9."""
        with pooling_of("FVD", "windows"):
            return {INFO.column: frechet_of_moments(output.moments, truth.moments)}
