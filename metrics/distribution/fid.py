"""Fréchet Inception distance (Heusel et al. 2017), with the network and the formula of pytorch-fid; and KID with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipScore, ManyFeatures, MetricInfo, Tolerance
from bench_lipsync.harness.assets.lookup import asset_spec
from bench_lipsync.harness.compute.batching import Batches
from bench_lipsync.metrics.base import ClipMetricScorer, check_pair, pooling_of, require_frames
from bench_lipsync.metrics.distribution.frechet import frechet_distance, frechet_of_moments
from bench_lipsync.metrics.distribution.kid import INFO as KID
from bench_lipsync.metrics.distribution.kid import kernel_distance

if TYPE_CHECKING:
    from torch import nn

_CPU_BATCH = 16
"""From 16 frames on PyTorch gives all convolutions to oneDNN, also on one thread."""
_ASSET = asset_spec("inception_fid")

INFO = MetricInfo(
    name="FID",
    variant="inception-2015-12-05",
    direction="lower",
    unit="",
    range=(0.0, None),
    level="set",
    needs=frozenset(),
    signature=f"FID|net=inception-2015-12-05@{_ASSET.sha256[:6]}|frames=crop|resize=bilinear299|pool=all-frames|v1",
    definition="Fréchet distance between Gaussians fitted to the 2048 InceptionV3 features of all output frames and "
    "of all ground-truth frames of the same clips. Biased upwards for few frames; below 2048 the covariance has not "
    "full rank: compare only values over the same clips.",
    default=True,
    tolerance=Tolerance(relative=0.1, absolute=0.5),
)


def inception_features(
    network: nn.Module, frames: NDArray[np.uint8], batches: Batches | None = None
) -> NDArray[np.float32]:
    """(n, 2048) float32 features of (n, H, W, 3) uint8 RGB frames; the batch size does not change them beyond 1e-5.

    `batches` remembers how many frames fit into memory from one call to the next.
    """
    import torch

    device = next(network.parameters()).device
    batches = batches or Batches(device.type, _CPU_BATCH)

    def run(first: int, end: int) -> NDArray[np.float32]:
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(frames[first:end])).to(device)
            return np.asarray(network(batch.permute(0, 3, 1, 2).float() / 255.0).cpu().numpy(), np.float32)

    return np.concatenate([np.empty((0, 2048), dtype=np.float32), *batches.run(run, len(frames))])


class FidAccumulator:
    """Features of every output frame; a frame equal to the previous one costs nothing."""

    def __init__(self, features: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> None:
        self._features = features
        self._parts: list[NDArray[np.float32]] = []
        self._last: NDArray[np.uint8] | None = None

    def update(self, output: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Take the next frames; of `truth` only the shape is used. Raises `ClipError` (`bad_output`)."""
        check_pair(output, truth)
        if not len(output):
            return
        previous = [self._last, *output[:-1]]
        new = [before is None or not np.array_equal(before, now) for before, now in zip(previous, output, strict=True)]
        known = self._parts[-1][-1:] if self._parts else np.empty((0, 2048), dtype=np.float32)
        computed = np.concatenate([known, self._features(output[new])])
        self._parts.append(computed[np.cumsum(new) + len(known) - 1])
        self._last = output[-1].copy()

    def compute(self, audio: NDArray[np.int16]) -> ClipScore:
        """(frames, 2048) features; the audio is not used. Raises `ClipError` (`bad_output`) without frames."""
        require_frames(self._parts)
        features = np.concatenate(self._parts)
        return ClipScore(features={INFO.column: features, KID.column: features})


class FidScorer(ClipMetricScorer):
    """FID and KID, variant `inception-2015-12-05`. Raises `AssetMissing` without the network's weights."""

    metrics = (INFO, KID)

    def __init__(self, device: str = "cpu") -> None:
        from bench_lipsync.models.backbones.fold_batchnorm import fold_inception
        from bench_lipsync.models.backbones.inception import load_inception

        self._network = fold_inception(load_inception(device))
        self._batches = Batches(device, _CPU_BATCH)

    def open(self, clip: PreparedClip) -> FidAccumulator:
        """Begin a clip."""
        return FidAccumulator(lambda frames: inception_features(self._network, frames, self._batches))

    def pool(self, output: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]) -> dict[str, float]:
        """FID and KID of the pooled frames. Raises `ClipError` (`metric_failed`) with fewer than 2 frames a side."""
        with pooling_of("FID"):
            return {INFO.column: frechet_distance(output, truth), KID.column: kernel_distance(output, truth).mean}

    def pool_many(self, output: ManyFeatures, truth: ManyFeatures) -> dict[str, float]:
        """The same for more frames than memory holds: FID within 1e-9, KID exactly."""
        with pooling_of("FID"):
            fid = frechet_of_moments(output.moments, truth.moments)
            return {INFO.column: fid, KID.column: kernel_distance(output.parts, truth.parts).mean}
