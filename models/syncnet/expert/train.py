"""Training of the sync expert: telling true windows from ones shifted by a few frames, and from other people's."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.syncnet.expert.batches import make_batch
from bench_lipsync.models.syncnet.expert.data import ExpertData, load_data
from bench_lipsync.models.syncnet.expert.network import SyncExpert, save_expert
from bench_lipsync.models.syncnet.loop import Loop, Outcome, fingerprint
from bench_lipsync.models.syncnet.losses import contrastive_loss, hits
from bench_lipsync.models.syncnet.open.batches import TrainConfig
from bench_lipsync.models.training.clip_arrays import ClipSpan
from bench_lipsync.models.training.split import split_by_hash

WEIGHTS = "sync_expert.safetensors"
HARD = 2
"""Shifts from so many frames on count as wrong; a single frame is neither right nor wrong."""


def run(
    clips: Sequence[PreparedClip],
    out: Path,
    *,
    config: TrainConfig | Mapping[str, Any] | None = None,
    resolution: int = 128,
    device: str = "cpu",
    save_every: int = 100,
    on_step: Callable[[str], None] | None = None,
) -> Path:
    """Train on `clips` at `resolution` and write `out/sync_expert.safetensors`, whose path is returned.

    Goes on where it stopped; files, errors and the rest as of `models.syncnet.open.train.run`.
    """
    given = config if isinstance(config, TrainConfig) else TrainConfig(**{"frames": 12, **(config or {})})
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(given.seed)
    usable = [clip for clip in clips if clip.frames >= given.frames]
    data = load_data(usable, out / "data", resolution)
    training, watched = split_by_hash(data.clips)
    if len(training) < 2:
        raise BenchError(f"{len(training)} clips of at least {given.frames} frames to train on; at least 2 are needed")
    loop = _ExpertLoop(SyncExpert().to(device), given, data, training, watched, out=out, device=device)
    loop.run(save_every, on_step)
    facts = {"train": json.dumps(asdict(given)), "clips": str(len(training)), "seconds": f"{loop.seconds:.0f}"}
    save_expert(loop.network, out / WEIGHTS, facts)
    return out / WEIGHTS


def pair_loss(expert: SyncExpert, faces: Tensor, sounds: Tensor) -> Tensor:
    """Binary cross-entropy on the log odds of pairs of windows, unit vectors (B, W, D) of B stretches.

    Right pairs weigh as much as wrong ones; of the wrong ones half are hard negatives (the same stretch, shifted by
    two frames or more) and half are of another clip.
    """
    windows = faces.shape[1]
    within = expert.logits(faces @ sounds.transpose(1, 2))
    beside = expert.logits(faces @ sounds.roll(1, dims=0).transpose(1, 2))
    index = torch.arange(windows, device=faces.device)
    far = (index[:, None] - index[None]).abs() >= HARD
    right = F.softplus(-within.diagonal(dim1=1, dim2=2)).mean()
    return right + 0.5 * F.softplus(within[:, far]).mean() + 0.5 * F.softplus(beside).mean()


class _ExpertLoop(Loop):
    network: SyncExpert

    def __init__(
        self,
        network: SyncExpert,
        config: TrainConfig,
        data: ExpertData,
        training: list[ClipSpan],
        watched: list[ClipSpan],
        *,
        out: Path,
        device: str,
    ) -> None:
        mark = fingerprint("expert", config, [(clip.id, clip.frames) for clip in training])
        super().__init__(network, config, out, device, mark)
        self.data, self.training, self.watched = data, training, watched

    def outcome(self) -> Outcome:
        faces, sounds = self._embed(self.training, self.step, augment=True)
        # The contrastive part teaches the vectors quickly; the pairs make probabilities of their cosines.
        loss = contrastive_loss(faces, sounds, self.network.log_scale.exp().clamp(max=60))
        loss = loss + pair_loss(self.network, faces, sounds)
        return Outcome(loss, lambda: hits(faces.detach(), sounds.detach()))

    def watch(self) -> float:
        if not self.watched:
            return math.nan
        found = [hits(*self._embed(self.watched, -1 - k, augment=False)) for k in range(2)]
        return sum(found) / len(found)

    def scale(self) -> float:
        return self.network.log_scale.exp().item()

    def _embed(self, clips: list[ClipSpan], step: int, *, augment: bool) -> tuple[Tensor, Tensor]:
        batch = make_batch(self.data, clips, self.config, step, augment=augment)
        batch = type(batch)(*(part.to(self.device) for part in batch))
        with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.config.bf16):
            faces = self.network.embed_faces(batch.frames, batch.squares)
            return faces, self.network.embed_audio(batch.mel)
