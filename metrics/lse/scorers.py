"""LSE-C, LSE-D and AV-offset on crops that do not depend on the scored video, by the published and the open SyncNet.

The networks' values are never mixed. See docs/metrics/lse.md for the definition, its traps and how the two differ.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.metrics.base import ClipMetricScorer, TrackRows
from bench_lipsync.metrics.lse.clip import GT_BOX, SyncAccumulator, sync_metrics
from bench_lipsync.metrics.lse.crop import crop_faces, face_boxes, resize_face
from bench_lipsync.metrics.lse.formulas import read_sync
from bench_lipsync.metrics.lse.published import PUBLISHED, STRETCH, PublishedScorer

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPEN = "open-syncnet"
_MIN_PAIRS = 5
"""Open network: windows that must have a partner at the largest shift."""


class SyncNetScorer(PublishedScorer):
    """LSE by the published network, one box from the ground truth for every output (variant `syncnet_v2`)."""

    variant: ClassVar[str] = PUBLISHED
    crop: ClassVar[str] = "crop=gt-box"
    needs: ClassVar[frozenset[str]] = frozenset({"audio", "faces"})
    aliases: ClassVar[tuple[str, ...]] = GT_BOX
    on_request: ClassVar[bool] = False

    def open(self, clip: PreparedClip) -> SyncAccumulator:
        """Begin a clip."""
        boxes = TrackRows(face_boxes(clip.faces.landmarks))
        return self.accumulate(lambda frames: crop_faces(frames, boxes.take(len(frames))))


class WholeFrameScorer(PublishedScorer):
    """LSE by the published network on whole frames resized to 224x224 (variant `whole-frame`).

    Wav2Lip's `evaluation/scores_LSE/calculate_scores_LRS.py` assumes footage that is cropped to the face already. So
    are prepared clips, but less tightly than the network's own crop: values are on a scale of their own.
    """

    variant: ClassVar[str] = "whole-frame"
    crop: ClassVar[str] = "crop=whole-frame"
    needs: ClassVar[frozenset[str]] = frozenset({"audio"})

    def open(self, clip: PreparedClip) -> SyncAccumulator:
        """Begin a clip."""
        return self.accumulate(lambda frames: np.stack([resize_face(frame[..., ::-1]) for frame in frames]))


class OpenSyncScorer(ClipMetricScorer):
    """LSE by the open network trained in this project (variant `open-syncnet`); another scale.

    Its embeddings are unit vectors, so shifts are averaged over the windows that have a partner (`edges=pairs`).
    """

    def __init__(self, device: str = "cpu", weights: Path | None = None) -> None:
        from bench_lipsync.models.syncnet.open.network import load_open_syncnet

        self._network = load_open_syncnet(weights, device)
        self._device = device
        self.metrics = self.describe(weights)
        self._columns = {info.name: info.column for info in self.metrics}

    @classmethod
    def describe(cls, weights: Path | None = None) -> tuple[MetricInfo, ...]:
        """Its metrics; the signature carries the hash of the weights file."""
        from bench_lipsync.harness.util.files import sha256_file
        from bench_lipsync.models.syncnet.open import WEIGHTS

        path = weights or WEIGHTS
        short = sha256_file(path)[:6] if path.is_file() else "absent"
        settings = f"net={OPEN}@{short}|crop=mouth-gt-box|fps=25|vshift=15|edges=pairs|pool=clip-mean|v1"
        return sync_metrics(OPEN, settings, 2.0, frozenset({"audio", "faces"}), aliases=GT_BOX)

    def open(self, clip: PreparedClip) -> SyncAccumulator:
        """Begin a clip."""
        from bench_lipsync.models.syncnet.open.crops import crop_mouths, mouth_frames
        from bench_lipsync.models.syncnet.open.stream import WindowStream

        boxes = TrackRows(mouth_frames(clip.faces.landmarks))
        size = self._network.config.crop
        return SyncAccumulator(
            lambda frames: crop_mouths(frames, boxes.take(len(frames)), size),
            WindowStream(self._embed_lips, STRETCH),
            self._embed_audio,
            partial(read_sync, edges="pairs", min_pairs=_MIN_PAIRS),
            self._columns,
        )

    def _embed_lips(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        grey = torch.from_numpy(crops).to(self._device).float() / 255.0
        return np.asarray(self._network.lips(grey[None])[0].cpu().numpy(), np.float32)

    def _embed_audio(self, samples: NDArray[np.int16], windows: int) -> NDArray[np.float32]:
        import torch

        from bench_lipsync.models.audio.mel import log_mel
        from bench_lipsync.models.syncnet.open.network import MEL_PER_FRAME, WINDOW_FRAMES

        mel = log_mel(torch.from_numpy(samples.astype(np.float32) / 32768.0).to(self._device))
        step = 10 * STRETCH
        parts = []
        for first in range(0, windows, step):
            last = min(first + step, windows) + WINDOW_FRAMES - 1
            parts.append(self._network.audio(mel[None, first * MEL_PER_FRAME : last * MEL_PER_FRAME])[0].cpu().numpy())
        return np.concatenate(parts)
