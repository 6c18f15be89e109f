"""Training of the open SyncNet, the network that measures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.syncnet.loop import Loop, Outcome, fingerprint
from bench_lipsync.models.syncnet.losses import contrastive_loss, hits
from bench_lipsync.models.syncnet.open.batches import Batch, TrainConfig, make_batch
from bench_lipsync.models.syncnet.open.data import TrainingClip, load_clips
from bench_lipsync.models.syncnet.open.network import OpenSyncNet, save_open_syncnet
from bench_lipsync.models.training.split import split_by_hash

WEIGHTS = "open_syncnet.safetensors"


def run(
    clips: Sequence[PreparedClip],
    out: Path,
    *,
    config: TrainConfig | Mapping[str, Any] | None = None,
    device: str = "cpu",
    save_every: int = 100,
    on_step: Callable[[str], None] | None = None,
) -> Path:
    """Train on `clips` and write `out/open_syncnet.safetensors`, whose path is returned; goes on where it stopped.

    `config` may be a mapping of `TrainConfig`'s fields; `on_step` is called with a note after every step taken.

    `out` also gets `checkpoint.pt` and `curve.csv` (step, seconds, loss, rate, scale, and the share of windows found
    within a frame, on the batch and on held-out identities). Raises `BenchError` for clips that are too few or too
    short, and for an `out` that holds a run with other settings.
    """
    config = config if isinstance(config, TrainConfig) else TrainConfig(**(config or {}))
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    network = OpenSyncNet().to(device)
    material = list(load_clips(clips, out / "crops", network.config.crop))
    training, watched = split_by_hash([clip for clip in material if clip.frames >= config.frames])
    if len(training) < 2:
        raise BenchError(f"{len(training)} clips of at least {config.frames} frames to train on; at least 2 are needed")
    loop = _OpenLoop(network, config, training, watched, out=out, device=device)
    loop.run(save_every, on_step)
    facts = {"train": json.dumps(asdict(config)), "clips": str(len(training)), "seconds": f"{loop.seconds:.0f}"}
    save_open_syncnet(network, out / WEIGHTS, facts)
    return out / WEIGHTS


class _OpenLoop(Loop):
    network: OpenSyncNet

    def __init__(
        self,
        network: OpenSyncNet,
        config: TrainConfig,
        training: list[TrainingClip],
        watched: list[TrainingClip],
        *,
        out: Path,
        device: str,
    ) -> None:
        mark = fingerprint("open", config, [(clip.id, clip.frames) for clip in training])
        super().__init__(network, config, out, device, mark)
        self.training, self.watched = training, watched

    def outcome(self) -> Outcome:
        batch = make_batch(self.training, self.config, self.step, self.network.config.crop, augment=True)
        lips, audio = self._embed(batch)
        loss = contrastive_loss(lips, audio, self.network.log_scale.exp().clamp(max=60))
        return Outcome(loss, lambda: hits(lips.detach(), audio.detach()))

    def watch(self) -> float:
        if not self.watched:
            return math.nan
        found = [
            hits(*self._embed(make_batch(self.watched, self.config, -1 - k, self.network.config.crop, augment=False)))
            for k in range(2)
        ]
        return sum(found) / len(found)

    def scale(self) -> float:
        return self.network.log_scale.exp().item()

    def _embed(self, batch: Batch) -> tuple[Tensor, Tensor]:
        kind = self.device.split(":")[0]
        with torch.autocast(kind, torch.bfloat16, enabled=self.config.bf16):
            return self.network.lips(batch.crops.to(self.device)), self.network.audio(batch.mel.to(self.device))
