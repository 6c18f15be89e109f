"""LPIPS, the learned perceptual distance of Zhang et al. 2018, with the published weights."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import MetricInfo, Tolerance
from bench_lipsync.harness.assets.lookup import asset_spec
from bench_lipsync.harness.compute.batching import Batches
from bench_lipsync.metrics.base import ClipMetricScorer, FrameMeanAccumulator, FrameValues, check_pair, differing
from bench_lipsync.models.backbones.lpips import load_lpips

if TYPE_CHECKING:
    import torch

INFO = MetricInfo(
    name="LPIPS",
    variant="alex",
    direction="lower",
    unit="",
    range=(0.0, None),
    level="clip",
    needs=frozenset({"truth"}),
    signature=f"LPIPS|net=alex@{asset_spec('alexnet_lpips').sha256[:6]}|heads=v0.1|frames=crop|pool=frame-mean,clip-mean|v1",
    definition="Distance of AlexNet features of both frames (RGB in [-1, 1]), each layer normalised over channels, "
    "weighted by the learned heads of version 0.1 and averaged over the image.",
    default=True,
    tolerance=Tolerance(relative=0.05, absolute=0.005),
)


def lpips_distance(
    model: torch.nn.Module, output: NDArray[np.uint8], truth: NDArray[np.uint8], batches: Batches | None = None
) -> NDArray[np.float64]:
    """LPIPS of each frame, (n,) >= 0, from (n, H, W, 3) uint8; equal frames give exactly 0.

    `batches` remembers how many frames fit into memory from one call to the next.
    Raises `ClipError` (`bad_output`) for different shapes.
    """
    import torch

    check_pair(output, truth)
    values = np.zeros(len(output))
    device = next(model.parameters()).device
    todo = differing(output, truth)

    def run(first: int, end: int) -> NDArray[np.float64]:
        part = todo[first:end]
        with torch.inference_mode():
            pair = [_to_tensor(frames[part]).to(device) for frames in (output, truth)]
            return np.asarray(model(*pair).flatten().cpu().numpy(), np.float64)

    parts = (batches or Batches(device.type)).run(run, len(todo))
    if parts:
        values[todo] = np.concatenate(parts)
    return values


def lpips_values(device: str) -> FrameValues:
    """`lpips_distance` with the default network on `device`. Raises `AssetMissing`."""
    return partial(lpips_distance, load_lpips("alex", device), batches=Batches(device))


class LpipsScorer(ClipMetricScorer):
    """`LPIPS[alex]`. Raises `AssetMissing` without the backbone's weights."""

    metrics = (INFO,)

    def __init__(self, device: str = "cpu") -> None:
        self._function = lpips_values(device)

    def open(self, clip: PreparedClip) -> FrameMeanAccumulator:
        """Begin a clip."""
        return FrameMeanAccumulator(INFO, self._function)


def _to_tensor(frames: NDArray[np.uint8]) -> torch.Tensor:
    """(n, H, W, 3) uint8 to (n, 3, H, W) float32 in [-1, 1]."""
    import torch

    return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1.0
