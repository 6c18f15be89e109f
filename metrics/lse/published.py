"""What the three scorers with the published SyncNet share: network, audio embedding and signature."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.compute.batching import Batches
from bench_lipsync.metrics.base import ClipMetricScorer
from bench_lipsync.metrics.lse.clip import SyncAccumulator, sync_metrics
from bench_lipsync.metrics.lse.formulas import read_sync
from bench_lipsync.metrics.truth_cache import AudioCache

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench_lipsync.models.syncnet.open.stream import WindowStream

PUBLISHED = "syncnet_v2"
STRETCH = 20
"""Windows whose frames are collected before they are embedded."""
_CPU_WINDOWS = 4
"""Windows embedded at once on a CPU: the first layer's output then stays small enough not to be fetched from memory."""

_CACHED_WINDOWS = 36_000
"""Audio windows (24 minutes) whose embeddings are kept from one model to the next, together 150 MB at most."""


class PublishedScorer(ClipMetricScorer):
    """LSE by the published network and definition; subclasses define the face crop.

    Raises `AssetMissing` without the weights. `weights` is another file of the same layout; the signature then carries
    its hash.
    """

    variant: ClassVar[str]
    """As in `LSE-C[variant]`."""
    crop: ClassVar[str]
    """The fields of the signature that describe the crop."""
    needs: ClassVar[frozenset[str]]
    aliases: ClassVar[tuple[str, ...]] = ()
    on_request: ClassVar[bool] = True
    """Only the default way of cropping is in the default run."""

    def __init__(self, device: str = "cpu", weights: Path | None = None) -> None:
        from bench_lipsync.harness.assets.lookup import asset_path
        from bench_lipsync.harness.util.files import sha256_file
        from bench_lipsync.models.syncnet.published.checkpoint import load_syncnet_v2
        from bench_lipsync.models.syncnet.published.lips import LipNetwork

        path = weights or asset_path(PUBLISHED)
        self._network = load_syncnet_v2(path, device)
        self._lips = LipNetwork(self._network)
        self._device = device
        self._audio = AudioCache(_CACHED_WINDOWS)
        self._batches = Batches(device, cpu=_CPU_WINDOWS, accelerator=STRETCH)
        self.metrics = self.describe(sha256_file(path))
        self._columns = {info.name: info.column for info in self.metrics}

    @classmethod
    def describe(cls, sha256: str | None = None) -> tuple[MetricInfo, ...]:
        """Its metrics, known without the weights; `sha256` is that of the weights in use."""
        from bench_lipsync.harness.assets.lookup import asset_spec

        short = (sha256 or asset_spec(PUBLISHED).sha256)[:6]
        settings = f"net={PUBLISHED}@{short}|{cls.crop}|fps=25|vshift=15|pool=clip-mean|v1"
        return sync_metrics(cls.variant, settings, None, cls.needs, aliases=cls.aliases, on_request=cls.on_request)

    def stream(self) -> WindowStream:
        """Turns crops (n, 224, 224, 3) uint8 BGR into (windows, 1024) embeddings."""
        from bench_lipsync.models.syncnet.open.stream import WindowStream

        return WindowStream(self._embed_lips, STRETCH)

    def embed_audio(self, samples: NDArray[np.int16], windows: int) -> NDArray[np.float32]:
        """(windows, 1024) embeddings of int16 samples at 16 kHz."""
        return self._audio(samples, windows, partial(self._embed_audio, samples, windows))

    def accumulate(self, crop: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> SyncAccumulator:
        """The accumulator of a clip; `crop` turns the next frames into (n, 224, 224, 3) BGR face crops."""
        return SyncAccumulator(crop, self.stream(), self.embed_audio, read_sync, self._columns)

    def _embed_audio(self, samples: NDArray[np.int16], windows: int) -> NDArray[np.float32]:
        import torch

        from bench_lipsync.models.syncnet.published.mfcc import mfcc, mfcc_windows

        features = torch.from_numpy(mfcc_windows(mfcc(samples), windows))
        batches = Batches(self._device, cpu=STRETCH)
        parts = batches.run(lambda first, end: self._network.embed_audio(features[first:end].to(self._device)), windows)
        return np.asarray(torch.cat(parts).cpu().numpy(), np.float32)

    def _embed_lips(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        from bench_lipsync.models.syncnet.published.network import WINDOW_FRAMES

        stretch = torch.from_numpy(faces).to(self._device)

        def embed(first: int, end: int) -> torch.Tensor:
            with torch.inference_mode():
                embeddings: torch.Tensor = self._lips(stretch[first : end + WINDOW_FRAMES - 1])
                return embeddings

        windows = len(faces) - WINDOW_FRAMES + 1
        return np.asarray(torch.cat(self._batches.run(embed, windows)).cpu().numpy(), np.float32)
