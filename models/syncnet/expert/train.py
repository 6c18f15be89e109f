"""Training of the sync expert: telling true windows from ones shifted by a few frames, and from other speakers'."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.models.syncnet.expert.batches import make_batch
from bench_lipsync.models.syncnet.expert.data import ExpertData, load_data
from bench_lipsync.models.syncnet.expert.network import SyncExpert, save_expert
from bench_lipsync.models.syncnet.losses import contrastive_loss, info_nce
from bench_lipsync.models.syncnet.settings import ExpertSettings
from bench_lipsync.models.syncnet.trainer import Pairs, SyncTrainer, train
from bench_lipsync.models.training.clip_arrays import ClipSpan
from bench_lipsync.models.training.split import split_by_hash

WEIGHTS = "sync_expert.safetensors"
HARD = 2
"""Shifts from so many frames on count as wrong; a single frame is neither right nor wrong."""


def run(
    clips: Sequence[PreparedClip],
    out: Path,
    settings: ExpertSettings = ExpertSettings(),  # noqa: B008 - a constant
    *,
    resolution: int = 128,
    device: str = "cpu",
) -> Path:
    """Train the sync expert on `clips`; goes on where an earlier call stopped.

    Args:
        clips: Prepared clips; about a tenth of the identities is only watched.
        out: Folder. Gets `sync_expert.safetensors`, `checkpoint.pt` (to resume) and `curve.csv`: step, seconds, loss,
            rate, scale, and the share of windows found within a frame, on the batch and on held-out identities.
        settings: Of the training.
        resolution: Side in pixels of the frames that the expert is trained on.
        device: Torch device.

    Returns:
        Path of the weights.

    Raises:
        BenchError: For clips that are too few or too short, a folder of another training, and a loss that is not
            finite.

    """
    torch.manual_seed(settings.seed)
    data = load_data([clip for clip in clips if clip.frames >= settings.frames], out / "data", resolution)
    network = SyncExpert()
    if settings.loss == "contrastive":
        # Not learned: the curve shows the scale that the temperature is.
        torch.nn.init.constant_(network.log_scale.requires_grad_(False), -math.log(settings.temperature))
        network.threshold.requires_grad_(False)
    trainer = _ExpertTrainer(network.to(device), settings, split_by_hash(data.clips), device)
    trainer.data = data
    train(trainer, out, lambda facts: save_expert(network, out / WEIGHTS, facts | {"loss": settings.loss}))
    return out / WEIGHTS


def pair_loss(expert: SyncExpert, faces: Tensor, audio: Tensor) -> Tensor:
    """Binary cross-entropy on the log odds of pairs of windows, unit vectors (B, W, D) of B stretches.

    Right pairs weigh as much as wrong ones; of the wrong ones half are hard negatives (the same stretch, shifted by
    two frames or more) and half are of another clip.
    """
    windows = faces.shape[1]
    within = expert.logits(faces @ audio.transpose(1, 2))
    beside = expert.logits(faces @ audio.roll(1, dims=0).transpose(1, 2))
    index = torch.arange(windows, device=faces.device)
    far = (index[:, None] - index[None]).abs() >= HARD
    right = F.softplus(-within.diagonal(dim1=1, dim2=2)).mean()
    return right + 0.5 * F.softplus(within[:, far]).mean() + 0.5 * F.softplus(beside).mean()


class _ExpertTrainer(SyncTrainer[ClipSpan]):
    network: SyncExpert
    settings: ExpertSettings
    data: ExpertData

    def pairs(self, clips: Sequence[ClipSpan], step: int, *, augment: bool) -> Pairs:
        batch = make_batch(self.data, clips, self.settings, step, augment=augment)
        frames, squares, mel = (part.to(self.device) for part in batch)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.settings.bf16):
            return Pairs(self.network.embed_faces(frames, squares), self.network.embed_audio(mel))

    def loss(self, pairs: Pairs) -> Tensor:
        if self.settings.loss == "contrastive":
            return info_nce(*pairs, self.settings.temperature)
        # The contrastive part teaches the vectors quickly; the pairs make probabilities of their cosines.
        return contrastive_loss(*pairs, self.scale.clamp(max=60)) + pair_loss(self.network, *pairs)
