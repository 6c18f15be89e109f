"""Validation while training: reconstruction and lip synchrony on held-out identities."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.registry.plugins import SCORERS
from bench_lipsync.models.backbones.lpips import load_lpips
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.network.tone import masked_input, tone_of
from bench_lipsync.models.stylelipsync.training.batches import Batch, window
from bench_lipsync.models.stylelipsync.training.data import TrainingData
from bench_lipsync.models.training.clip_arrays import ClipSpan
from bench_lipsync.models.vision.frames import resize, to_uint8

MAX_FRAMES = 125
"""Only the beginning of longer clips is measured."""
_CHUNK = 8


class Measured(NamedTuple):
    """Means over clips; the output is pasted into the frame, at the network's resolution."""

    l2: float
    """Mean square over all pixels, of values in [-1, 1]."""
    lpips: float
    """LPIPS with AlexNet, as the benchmark measures it."""
    lse_c: float
    """LSE-C of the open SyncNet; NaN if no clip is long enough for it."""
    lse_d: float
    """LSE-D of the open SyncNet; NaN if no clip is long enough for it."""

    def __str__(self) -> str:
        return f"L2 {self.l2:.4f}, LPIPS {self.lpips:.4f}, LSE-C {self.lse_c:.3f}, LSE-D {self.lse_d:.3f}"


class Validation:
    """Measures a network on `count` of `clips`, which are those of `data`, of identities that are not trained on."""

    def __init__(self, clips: Sequence[PreparedClip], data: TrainingData, count: int, device: str) -> None:
        self.data, self.device = data, device
        by_id = {clip.id: clip for clip in clips}
        count = min(count, len(data.clips))
        spans = [data.clips[index * len(data.clips) // count] for index in range(count)]
        self.pairs = [(span, by_id[span.id]) for span in spans]
        self.lpips = load_lpips("alex", device)
        self.scorer = SCORERS.get("lse-open-syncnet")(device=device)

    @torch.inference_mode()
    def measure(self, net: StyleLipSyncNet) -> Measured:
        """Draw and measure every clip with `net`, which is in evaluation mode."""
        rows = np.array([self._clip(net, span, clip) for span, clip in self.pairs])
        heard = rows[~np.isnan(rows[:, 2])]
        lse = heard[:, 2:].mean(axis=0) if len(heard) else np.full(2, math.nan)
        return Measured(*(float(value) for value in (*rows[:, :2].mean(axis=0), *lse)))

    def _clip(self, net: StyleLipSyncNet, span: ClipSpan, clip: PreparedClip) -> Measured:
        scoring = self.scorer.open(clip)
        squares, distances = [], []
        for output, truth in draw_clip(net, self.data, span, self.device):
            squares.append((output - truth).square().mean(dim=(1, 2, 3)))
            distances.append(self.lpips(output, truth).flatten())
            scoring.update(_enlarge(output, clip.size), _enlarge(truth, clip.size))
        frames = min(span.frames, MAX_FRAMES)
        try:
            score = scoring.compute(clip.audio()[: frames * SAMPLES_PER_FRAME])
        except ClipError:
            lse = (math.nan, math.nan)
        else:
            values = {info.name: score.values[info.column] for info in self.scorer.metrics}
            lse = (values["LSE-C"], values["LSE-D"])
        return Measured(float(torch.cat(squares).mean()), float(torch.cat(distances).mean()), *lse)


def draw_clip(net: StyleLipSyncNet, data: TrainingData, span: ClipSpan, device: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Output pasted into the frame and true frames, (n, 3, R, R) in [-1, 1] each, of the clip's first frames.

    As in a run, the first frame is the reference and latents are smoothed over the whole clip.
    """
    sample = window(data, span.start, min(span.frames, MAX_FRAMES), span.start)
    sample = Batch(*(part.to(device) for part in sample))
    tone = tone_of(net.config, sample.reference[None], sample.reference_mouth[None])
    ws = net.latents(sample.mel[None], sample.reference[None] - tone)[0]
    for start in range(0, len(ws), _CHUNK):
        part = slice(start, start + _CHUNK)
        truth, keep = sample.frames[part], sample.keep[part]
        output = net.decode(masked_input(net.config, truth, keep, tone), ws[part]) + tone
        yield (output + (truth - output) * keep).clamp(-1, 1), truth


def _enlarge(frames: Tensor, size: int) -> NDArray[np.uint8]:
    return resize(to_uint8(frames), size)
