"""The training loop that both sync networks share: resumable, with a curve on disk.

Every step's material and randomness follow from (seed, step), so a run that was interrupted ends in the same weights
as one that was not.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.weights import read_torch
from bench_lipsync.models.syncnet.open.batches import TrainConfig

CHECKPOINT = "checkpoint.pt"
CURVE = "curve.csv"
_ROW_EVERY = 25
_COLUMNS = ("step", "seconds", "loss", "rate", "scale", "hits", "held_out_hits")


class Outcome(NamedTuple):
    """What one step's batch gave."""

    loss: Tensor
    hits: Callable[[], float]
    """The share that is told right, worked out only when a row is written."""


class Loop(ABC):
    """Trains `network`; subclasses say what a step's loss is and how held-out people are watched."""

    def __init__(self, network: nn.Module, config: TrainConfig, out: Path, device: str, fingerprint: str) -> None:
        self.network, self.config, self.out, self.device = network, config, out, device
        self.fingerprint = fingerprint
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.step, self.seconds = 0, 0.0
        self.rows: list[dict[str, float]] = []

    @abstractmethod
    def outcome(self) -> Outcome:
        """Loss of the batch of step number `self.step`."""

    @abstractmethod
    def watch(self) -> float:
        """Share that is told right on plain material of held-out people, the same every time; NaN without any."""

    @abstractmethod
    def scale(self) -> float:
        """The learned scale of the similarities, which goes into the curve."""

    def run(self, save_every: int, on_step: Callable[[str], None] | None) -> None:
        """Take up what an earlier call left, and go on to the last step."""
        self.resume()
        while self.step < self.config.steps:
            note = self.advance()
            if self.step % save_every == 0 or self.step == self.config.steps:
                self.save()
            if on_step:
                on_step(note)

    def advance(self) -> str:
        """One step of the optimizer; says how it went. Raises `BenchError` where the loss is no number."""
        began = time.perf_counter()
        self.network.train()
        rate = self.config.rate(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        outcome = self.outcome()
        if not torch.isfinite(outcome.loss):
            raise BenchError(f"the loss is {outcome.loss.item()} at step {self.step}; lower --learning-rate")
        self.optimizer.zero_grad(set_to_none=True)
        outcome.loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimizer.step()
        self.step += 1
        self.seconds += time.perf_counter() - began
        if self.step % _ROW_EVERY == 0 or self.step == self.config.steps:
            row = {"step": self.step, "seconds": round(self.seconds, 1), "loss": outcome.loss.item(), "rate": rate}
            self.rows.append(row | {"scale": self.scale(), "hits": outcome.hits(), "held_out_hits": self._watch()})
        last = self.rows[-1] if self.rows else {}
        return f"loss {outcome.loss.item():.3f} held-out {last.get('held_out_hits', math.nan):.2f}"

    @torch.no_grad()
    def _watch(self) -> float:
        self.network.eval()
        return self.watch()

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
        half_written = self.out / f"{CURVE}.tmp"
        with half_written.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, _COLUMNS)
            writer.writeheader()
            writer.writerows([{name: f"{value:.6g}" for name, value in row.items()} for row in self.rows])
        half_written.replace(self.out / CURVE)

    def resume(self) -> None:
        """Take up the checkpoint in `out` if there is one. Raises `BenchError` if it was made otherwise."""
        path = self.out / CHECKPOINT
        if not path.is_file():
            return
        state = read_torch(path, str(self.device))
        if state["fingerprint"] != self.fingerprint:
            raise BenchError(f"{self.out} holds a training with other settings or clips; choose another --out")
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.rows = state["step"], state["seconds"], state["rows"]


def fingerprint(kind: str, config: TrainConfig, clips: Sequence[tuple[str, int]]) -> str:
    """Of everything that decides the weights: which network, its settings, and every clip's id and frames."""
    return hashlib.sha256(json.dumps([kind, asdict(config), list(clips)]).encode()).hexdigest()
