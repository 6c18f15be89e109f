"""What the trainings of both sync networks share: optimizer, learning rate, curve on disk, weights at the end.

Every step's material and randomness follow from (seed, step).
"""

from __future__ import annotations

import json
import math
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bench_lipsync.harness.util.files import sha256_json
from bench_lipsync.models.syncnet.losses import hits
from bench_lipsync.models.syncnet.settings import SyncSettings
from bench_lipsync.models.training.loop import Callback, fit
from bench_lipsync.models.training.metrics_log import MetricsLog
from bench_lipsync.models.training.trainer import Stateful, Trainer

STATE = "checkpoint.pt"
CURVE = "curve.csv"
ROW_EVERY = 25
"""Steps between rows of `curve.csv`."""
_COLUMNS = ("seconds", "loss", "rate", "scale", "hits", "held_out_hits")


class SyncLoss(NamedTuple):
    """What is minimised, a scalar."""

    loss: Tensor


class Pairs(NamedTuple):
    """Unit vectors (B, W, D) of W windows in a row of B stretches; equal places belong together."""

    lips: Tensor
    audio: Tensor


class SyncTrainer(Trainer[SyncLoss]):
    """Trains `network`; subclasses say what a step's loss is and what held-out material is."""

    settings: SyncSettings

    def __init__(
        self, network: nn.Module, settings: SyncSettings, device: str, clips: Sequence[tuple[str, int]]
    ) -> None:
        super().__init__(settings, device)
        self.network = network
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.clips = sha256_json([type(self).__name__, *clips])
        self.seconds = 0.0
        """Spent on steps so far, earlier calls included."""
        self.held_out_hits = math.nan
        self._pairs: Pairs | None = None

    @abstractmethod
    def pairs(self, step: int) -> Pairs:
        """The batch of `step`; negative steps are plain material of held-out identities, the same every time."""

    @abstractmethod
    def loss(self, pairs: Pairs) -> Tensor:
        """What is minimised, a scalar."""

    @property
    @abstractmethod
    def watched(self) -> bool:
        """Whether there are held-out identities."""

    @property
    def scale(self) -> Tensor:
        """The learned scale of the similarities."""
        scale: Tensor = self.network.log_scale.exp()  # type: ignore[operator]
        return scale

    def step(self) -> SyncLoss:
        """Take one optimizer step."""
        began = time.perf_counter()
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate(self.done)
        pairs = self.pairs(self.done)
        loss = self.loss(pairs)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimizer.step()
        self.done += 1
        self.seconds += time.perf_counter() - began
        self._pairs = Pairs(*(part.detach() for part in pairs))
        return SyncLoss(loss.detach())

    def row(self, losses: SyncLoss) -> dict[str, float]:
        """What the curve says after a step: hits are shares of windows that are told right."""
        assert self._pairs is not None  # noqa: S101 - set by `step`
        self.held_out_hits = self._measure_held_out()
        return {
            "seconds": round(self.seconds, 1),
            "loss": float(losses.loss),
            "rate": self.settings.rate(self.done - 1),
            "scale": self.scale.item(),
            "hits": hits(*self._pairs),
            "held_out_hits": self.held_out_hits,
        }

    def parts(self) -> Mapping[str, Stateful]:
        """Network and optimizer."""
        return {"network": self.network, "optimizer": self.optimizer}

    def inputs(self) -> Mapping[str, object]:
        """Which network it is, and every clip's id and frames."""
        return {"clips": self.clips}

    def extra_state(self) -> Mapping[str, Any]:
        """Time and the last measurement, which only the curve and the progress bar show."""
        return {"seconds": self.seconds, "held_out_hits": self.held_out_hits}

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Take over time and measurement."""
        self.seconds, self.held_out_hits = state["seconds"], state["held_out_hits"]

    def note(self, losses: SyncLoss) -> str:
        """Loss and hits on held-out identities."""
        return f"loss {float(losses.loss):.3f} held-out {self.held_out_hits:.2f}"

    @torch.no_grad()
    def _measure_held_out(self) -> float:
        if not self.watched:
            return math.nan
        self.network.eval()
        shares = [hits(*self.pairs(-1 - k)) for k in range(2)]
        return sum(shares) / len(shares)


def train(trainer: SyncTrainer, out: Path, write: Callable[[dict[str, str]], None], clips: int) -> None:
    """Train up to the last step in folder `out`; `write` is called with the metadata of the final weights."""
    if (out / STATE).is_file():
        trainer.load(out / STATE)
    log = MetricsLog(out / CURVE, _COLUMNS, trainer.done, formats={"seconds": ".6g"}, board=False)

    def add_row(losses: SyncLoss) -> None:
        log.add(trainer.done, trainer.row(losses))

    fit(trainer, [Callback(ROW_EVERY, add_row, at_end=True)], lambda: trainer.save(out / STATE))
    settings = trainer.settings.model_dump(exclude={"save_every"})
    write({"train": json.dumps(settings), "clips": str(clips), "seconds": f"{trainer.seconds:.0f}"})
