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
from bench_lipsync.metrics.base import check_pair
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
    """One clip, a window at a time; a window equal to the one before it (a still) costs nothing."""

    def __init__(self, features: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> None:
        self._features = features
        self._frames: list[NDArray[np.uint8]] = []
        self._found: list[NDArray[np.float32]] = []
        self._last: NDArray[np.uint8] | None = None

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames. Raises `ClipError` (`bad_output`)."""
        check_pair(output, truth)
        for frame in output:
            self._frames.append(frame.copy())
            if len(self._frames) == WINDOW:
                self._take(np.stack(self._frames))
                self._frames.clear()

    def _take(self, window: NDArray[np.uint8]) -> None:
        if self._last is None or not np.array_equal(window, self._last):
            self._found.append(self._features(window))
            self._last = window
        else:
            self._found.append(self._found[-1])

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """The features of every whole window. Raises `ClipError` (`too_short`) where there is none."""
        if not self._found:
            raise ClipError(Status.TOO_SHORT, f"{len(self._frames)} frames; FVD looks at windows of {WINDOW}")
        return ClipScore(features={INFO.column: np.stack(self._found)})


class FvdScorer:
    """`FVD[i3d-kinetics-400]`. Raises `AssetMissing` without the network's weights."""

    def __init__(self, device: str = "cpu") -> None:
        from bench_lipsync.models.backbones.i3d import load_i3d

        self._network = load_i3d(asset_path(_ASSET), device)

    @staticmethod
    def describe() -> tuple[MetricInfo, ...]:
        """The metrics, without loading anything."""
        return (INFO,)

    @property
    def metrics(self) -> tuple[MetricInfo, ...]:
        """The one metric it gives."""
        return (INFO,)

    def open(self, clip: PreparedClip) -> FvdAccumulator:
        """Begin a clip."""
        return FvdAccumulator(partial(video_features, self._network))

    def pool(self, output: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        """FVD between the pooled windows of both sides. Raises `ClipError` with fewer than 2 windows a side."""
        try:
            return {INFO.column: frechet_distance(output, truth)}
        except ValueError as error:
            raise ClipError(Status.METRIC_FAILED, f"FVD: {str(error).replace('frames', 'windows')}") from error

    def pool_many(self, output: ManyFeatures, truth: ManyFeatures) -> dict[str, float]:
        """The same for more windows than memory holds, equal within 1e-9."""
        try:
            return {INFO.column: frechet_of_moments(output.moments, truth.moments)}
        except ValueError as error:
            raise ClipError(Status.METRIC_FAILED, f"FVD: {str(error).replace('frames', 'windows')}") from error
