"""Training of the open SyncNet: every step's material and randomness follow from (seed, step), so a run that was
interrupted ends in the same weights as one that was not.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.clip import PreparedClip
from harness.status import BenchError
from models.syncnet.batches import Batch, TrainConfig, make_batch
from models.syncnet.data import TrainingClip, held_out, load_clips
from models.syncnet.losses import contrastive_loss, hits
from models.syncnet.open_network import OpenSyncNet, save_open_syncnet

CHECKPOINT = "checkpoint.pt"
CURVE = "curve.csv"
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
    training, watched = held_out([clip for clip in material if clip.frames >= config.frames])
    if len(training) < 2:
        raise BenchError(f"{len(training)} clips of at least {config.frames} frames to train on; at least 2 are needed")
    trainer = _Trainer(network, config, training, watched, out=out, device=device)
    trainer.resume(_fingerprint(config, training))
    while trainer.step < config.steps:
        note = trainer.advance()
        if trainer.step % save_every == 0 or trainer.step == config.steps:
            trainer.save()
        if on_step:
            on_step(note)
    facts = {"train": json.dumps(asdict(config)), "clips": str(len(training)), "seconds": f"{trainer.seconds:.0f}"}
    save_open_syncnet(network, out / WEIGHTS, facts)
    return out / WEIGHTS


class _Trainer:
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
        self.network, self.config, self.training, self.watched = network, config, training, watched
        self.out, self.device = out, device
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.step, self.seconds, self.fingerprint = 0, 0.0, ""
        self.rows: list[dict[str, float]] = []

    def advance(self) -> str:
        """One step of the optimizer; says how it went."""
        began = time.perf_counter()
        self.network.train()
        rate = self.config.rate(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        batch = make_batch(self.training, self.config, self.step, self.network.config.crop, augment=True)
        lips, audio = self._embed(batch)
        loss = contrastive_loss(lips, audio, self.network.log_scale.exp().clamp(max=60))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimizer.step()
        self.step += 1
        self.seconds += time.perf_counter() - began
        if self.step % 25 == 0 or self.step == self.config.steps:
            row = {"step": self.step, "seconds": round(self.seconds, 1), "loss": loss.item(), "rate": rate}
            row |= {"scale": self.network.log_scale.exp().item(), "hits": hits(lips.detach(), audio.detach())}
            self.rows.append(row | {"held_out_hits": self._watch()})
        last = self.rows[-1] if self.rows else {}
        return f"loss {loss.item():.3f} held-out {last.get('held_out_hits', math.nan):.2f}"

    def _embed(self, batch: Batch) -> tuple[Tensor, Tensor]:
        kind = self.device.split(":")[0]
        with torch.autocast(kind, torch.bfloat16, enabled=self.config.bf16):
            return self.network.lips(batch.crops.to(self.device)), self.network.audio(batch.mel.to(self.device))

    @torch.no_grad()
    def _watch(self) -> float:
        """Hits on the same plain stretches of held-out identities every time; NaN where there are none."""
        if not self.watched:
            return math.nan
        self.network.eval()
        found = [
            hits(*self._embed(make_batch(self.watched, self.config, -1 - k, self.network.config.crop, augment=False)))
            for k in range(2)
        ]
        return sum(found) / len(found)

    def save(self) -> None:
        """Write the checkpoint and the curve, each whole or not at all."""
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "rows": self.rows,
            "fingerprint": self.fingerprint,
        }
        half_written = self.out / f"{CHECKPOINT}.tmp"
        torch.save(state, half_written)
        half_written.replace(self.out / CHECKPOINT)
        with (self.out / CURVE).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["step", "seconds", "loss", "rate", "scale", "hits", "held_out_hits"])
            writer.writeheader()
            writer.writerows([{name: f"{value:.6g}" for name, value in row.items()} for row in self.rows])

    def resume(self, fingerprint: str) -> None:
        """Take up the checkpoint in `out` if there is one. Raises `BenchError` if it was made otherwise."""
        self.fingerprint = fingerprint
        path = self.out / CHECKPOINT
        if not path.is_file():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["fingerprint"] != fingerprint:
            raise BenchError(f"{self.out} holds a training with other settings or clips; choose another --out")
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.rows = state["step"], state["seconds"], state["rows"]


def _fingerprint(config: TrainConfig, clips: Sequence[TrainingClip]) -> str:
    text = json.dumps([asdict(config), [[clip.id, clip.frames] for clip in clips]])
    return hashlib.sha256(text.encode()).hexdigest()
