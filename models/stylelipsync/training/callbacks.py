"""What a training leaves in its folder while it goes on: curves, sheets, measurements, checkpoints."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.models.stylelipsync.checkpoint import CheckpointInfo, save_checkpoint
from bench_lipsync.models.stylelipsync.training.data import load_data
from bench_lipsync.models.stylelipsync.training.losses import Losses
from bench_lipsync.models.stylelipsync.training.sheet import write_sheet
from bench_lipsync.models.stylelipsync.training.trainer import StyleLipSyncTrainer, schedule
from bench_lipsync.models.stylelipsync.training.validation import Measured, Validation
from bench_lipsync.models.training.loop import Callback
from bench_lipsync.models.training.metrics_log import MetricsLog

STATE = "state.pt"
WEIGHTS = "stylelipsync.safetensors"
LOG_EVERY = 20
"""Steps between rows of `log.csv`."""


class Recorder:
    """Writes into `out`; `clips` are of identities that are not trained on."""

    def __init__(
        self, trainer: StyleLipSyncTrainer, clips: Sequence[PreparedClip], out: Path, info: CheckpointInfo
    ) -> None:
        self.trainer, self.out, self.info = trainer, out, info
        settings = trainer.settings
        self.data = load_data(clips, out / "data", settings.network)
        self.log = MetricsLog(out / "log.csv", ("lr", *Losses._fields, "seconds"), trainer.done)
        self.callbacks = [Callback(LOG_EVERY, self._log), Callback(settings.sheet_every, self._sheet)]
        if settings.validate_every:
            self.validation = Validation(clips, self.data, settings.validate_clips, trainer.device)
            self.measured = MetricsLog(out / "validation.csv", (*Measured._fields, "seconds"), trainer.done)
            self.callbacks.append(Callback(settings.validate_every, self._validate))

    def save(self) -> None:
        """Write the resume state, and the averaged weights as a checkpoint."""
        self.trainer.save(self.out / STATE)
        info = self.info.model_copy(update={"steps": self.trainer.done})
        save_checkpoint(self.out / WEIGHTS, self.trainer.ema, info, half=True)

    def _log(self, losses: Losses) -> None:
        settings, done = self.trainer.settings, self.trainer.done
        rate = settings.lr * schedule(settings, done - 1)
        self.log.add(done, {"lr": rate, **{name: float(value) for name, value in losses._asdict().items()}})

    def _sheet(self, _: Losses) -> None:
        path = self.out / "sheets" / f"{self.trainer.done:06d}.png"
        write_sheet(path, self.trainer.ema, self.data, self.trainer.device)

    def _validate(self, _: Losses) -> None:
        measured = self.validation.measure(self.trainer.ema)
        self.measured.add(self.trainer.done, measured._asdict())
        print(f"step {self.trainer.done}, held out: {measured}", file=sys.stderr, flush=True)
