"""What a training run leaves beside its weights while it goes on: curves, pictures, measurements, checkpoints."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.models.stylelipsync.checkpoint import CheckpointInfo, save_checkpoint
from bench_lipsync.models.stylelipsync.training.data import load_data
from bench_lipsync.models.stylelipsync.training.losses import Losses
from bench_lipsync.models.stylelipsync.training.sheet import write_sheet
from bench_lipsync.models.stylelipsync.training.trainer import Trainer, schedule
from bench_lipsync.models.stylelipsync.training.validation import Measured, Validation
from bench_lipsync.models.training.metrics_log import Curves

STATE = "state.pt"
WEIGHTS = "stylelipsync.safetensors"
LOG_EVERY = 20
"""Steps between rows of `log.csv`."""


class Watch:
    """Writes into `out` for the first process; `clips` are of people who are not trained on."""

    def __init__(self, trainer: Trainer, clips: Sequence[PreparedClip], out: Path, name: str, trained_on: str) -> None:
        self.trainer, self.out, self.name, self.trained_on = trainer, out, name, trained_on
        settings = trainer.settings
        self.data = load_data(clips, out / "data", settings.network)
        self.curves = Curves(out, ("lr", *Losses._fields), trainer.done)
        self.validation: Validation | None = None
        if settings.validate_every:
            self.validation = Validation(clips, self.data, settings.validate_clips, trainer.device)
            self.measured = Curves(out, Measured._fields, trainer.done, "validation")

    def after(self, losses: Losses) -> None:
        """Write what is due after a step."""
        trainer, settings, done = self.trainer, self.trainer.settings, self.trainer.done
        if done % LOG_EVERY == 0:
            rate = settings.lr * schedule(settings, done - 1)
            self.curves.add(done, {"lr": rate, **{key: float(value) for key, value in losses._asdict().items()}})
        if done % settings.sheet_every == 0:
            (self.out / "sheets").mkdir(exist_ok=True)
            write_sheet(self.out / "sheets" / f"{done:06d}.png", trainer.ema, self.data, trainer.device)
        if self.validation and done % settings.validate_every == 0:
            measured = self.validation.measure(trainer.ema)
            self.measured.add(done, measured._asdict())
            print(f"step {done}, held out: {measured}", file=sys.stderr, flush=True)
        if done % settings.save_every == 0:
            self.save()

    def save(self) -> None:
        """The state to go on from, and the averaged weights as a checkpoint."""
        trainer = self.trainer
        trainer.save(self.out / STATE)
        seed = trainer.settings.seed
        info = CheckpointInfo(name=self.name, trained_on=self.trained_on, steps=trainer.done, seed=seed)
        save_checkpoint(self.out / WEIGHTS, trainer.ema, info, half=True)
