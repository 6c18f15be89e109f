"""Training of the open SyncNet, the network that measures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.models.syncnet.losses import contrastive_loss
from bench_lipsync.models.syncnet.open.batches import make_batch
from bench_lipsync.models.syncnet.open.data import TrainingClip, load_clips
from bench_lipsync.models.syncnet.open.network import OpenSyncNet, save_open_syncnet
from bench_lipsync.models.syncnet.settings import PRESETS, SyncSettings
from bench_lipsync.models.syncnet.trainer import Pairs, SyncTrainer, train
from bench_lipsync.models.training.split import split_by_hash

WEIGHTS = "open_syncnet.safetensors"


def run(
    clips: Sequence[PreparedClip], out: Path, settings: SyncSettings = PRESETS["open"], *, device: str = "cpu"
) -> Path:
    """Train the open SyncNet on `clips`; goes on where an earlier call stopped.

    Args:
        clips: Prepared clips; about a tenth of the identities is only watched.
        out: Folder. Gets `open_syncnet.safetensors`, `checkpoint.pt` (to resume) and `curve.csv`: step, seconds, loss,
            rate, scale, and the share of windows found within a frame, on the batch and on held-out identities.
        settings: Of the training.
        device: Torch device.

    Returns:
        Path of the weights.

    Raises:
        BenchError: For clips that are too few or too short, a folder of another training, and a loss that is not
            finite.

    """
    torch.manual_seed(settings.seed)
    network = OpenSyncNet().to(device)
    material = load_clips(clips, out / "crops", network.config.crop)
    split = split_by_hash([clip for clip in material if clip.frames >= settings.frames])
    trainer = _OpenTrainer(network, settings, split, device)
    train(trainer, out, lambda facts: save_open_syncnet(network, out / WEIGHTS, facts))
    return out / WEIGHTS


class _OpenTrainer(SyncTrainer[TrainingClip]):
    network: OpenSyncNet

    def pairs(self, clips: Sequence[TrainingClip], step: int, *, augment: bool) -> Pairs:
        batch = make_batch(clips, self.settings, step, self.network.config.crop, augment=augment)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.settings.bf16):
            return Pairs(self.network.lips(batch.crops.to(self.device)), self.network.audio(batch.mel.to(self.device)))

    def loss(self, pairs: Pairs) -> Tensor:
        return contrastive_loss(*pairs, self.scale.clamp(max=60))
