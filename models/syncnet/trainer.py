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
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.files import sha256_json
from bench_lipsync.models.syncnet.losses import hits
from bench_lipsync.models.syncnet.settings import SyncSettings
from bench_lipsync.models.training.loop import Callback, fit
from bench_lipsync.models.training.metrics_log import MetricsLog
from bench_lipsync.models.training.split import Split
from bench_lipsync.models.training.trainer import Stateful, Trainer

STATE = "checkpoint.pt"
CURVE = "curve.csv"
ROW_EVERY = 25
"""Steps between rows of `curve.csv`."""
_COLUMNS = ("seconds", "loss", "rate", "scale", "hits", "held_out_hits")


class Recording(Protocol):
    """A clip to train on."""

    @property
    def id(self) -> str:
        """Of the clip."""

    @property
    def identity(self) -> str:
        """The speaker."""

    @property
    def frames(self) -> int:
        """Number of frames."""


T = TypeVar("T", bound=Recording)


class SyncLoss(NamedTuple):
    """What is minimised, a scalar."""

    loss: Tensor


class Pairs(NamedTuple):
    """Unit vectors (B, W, D) of W windows in a row of B stretches; equal places belong together."""

    lips: Tensor
    audio: Tensor


class SyncTrainer(Trainer[SyncLoss], Generic[T]):
    """Trains `network`; subclasses say what a step's loss is and what held-out material is."""

    settings: SyncSettings

    def __init__(self, network: nn.Module, settings: SyncSettings, split: Split[T], device: str) -> None:
        super().__init__(settings, device)
        if len(split.train) < 2:
            raise BenchError(
                f"{len(split.train)} clips of at least {settings.frames} frames to train on; at least 2 are needed, "
                "so name more footage (--data-root, --split, --limit)"
            )
        self.network, self.split = network, split
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.clips = sha256_json([type(self).__name__, *((clip.id, clip.frames) for clip in split.train)])
        self.seconds = 0.0
        """Spent on steps so far, earlier calls included."""
        self.held_out_hits = math.nan
        self._pairs: Pairs | None = None

    @abstractmethod
    def pairs(self, clips: Sequence[T], step: int, *, augment: bool) -> Pairs:
        """The batch of `step`, drawn from `clips`."""

    @abstractmethod
    def loss(self, pairs: Pairs) -> Tensor:
        """What is minimised, a scalar."""

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
            group["lr"] = self.rate(self.settings, self.done)
        pairs = self.pairs(self.split.train, self.done, augment=True)
        loss = self.loss(pairs)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimizer.step()
        self.done += 1
        self.seconds += time.perf_counter() - began
        self._pairs = Pairs(*(part.detach() for part in pairs))
        return SyncLoss(loss.detach())

    @staticmethod
    def rate(settings: SyncSettings, step: int) -> float:
        """Warm-up and cosine."""
        return settings.rate(step)

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
        if not self.split.held_out:
            return math.nan
        self.network.eval()
        # Negative steps, which training does not have: the same batches every time.
        shares = [hits(*self.pairs(self.split.held_out, -1 - k, augment=False)) for k in range(2)]
        return sum(shares) / len(shares)


def train(trainer: SyncTrainer[T], out: Path, write: Callable[[dict[str, str]], None]) -> None:
    """Train up to the last step in folder `out`; `write` is called with the metadata of the final weights."""
    if (out / STATE).is_file():
        trainer.load(out / STATE)
    log = MetricsLog(out / CURVE, _COLUMNS, trainer.done, formats={"seconds": ".6g"}, board=False)

    def add_row(losses: SyncLoss) -> None:
        log.add(trainer.done, trainer.row(losses))

    fit(trainer, [Callback(ROW_EVERY, add_row, at_end=True)], lambda: trainer.save(out / STATE))
    settings = trainer.settings.model_dump(exclude={"save_every"})
    write({"train": json.dumps(settings), "clips": str(len(trainer.split.train)), "seconds": f"{trainer.seconds:.0f}"})
