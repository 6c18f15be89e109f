"""Training from prepared clips to a checkpoint: data, loop, log, pictures, resuming."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from harness import progress
from harness.clip import PreparedClip
from harness.status import BenchError
from models.stylelipsync.checkpoint import CheckpointInfo, load_checkpoint, save_checkpoint
from models.stylelipsync.data import TrainingData, load_data
from models.stylelipsync.losses import Losses
from models.stylelipsync.settings import PRESETS, TrainSettings
from models.stylelipsync.sheet import write_sheet
from models.stylelipsync.trainer import Trainer, schedule

STATE = "state.pt"
WEIGHTS = "stylelipsync.safetensors"
LOG = "log.csv"
_COLUMNS = ("step", "lr", *Losses._fields, "seconds")
_LOG_EVERY = 20
_HELD_OUT = 16
"""One identity in so many is kept for validation."""


class Split(NamedTuple):
    """Clips to train on and clips of other people to look at."""

    train: list[PreparedClip]
    validation: list[PreparedClip]


def run(
    clips: Sequence[PreparedClip],
    out: Path,
    preset: str = "demo",
    changes: Mapping[str, object] | None = None,
    *,
    init: Path | None = None,
    trained_on: str = "unstated",
    device: str = "cpu",
) -> Path:
    """Train on `clips` in folder `out` and return the checkpoint's path; goes on where an earlier call stopped.

    The recipe is `preset` with `changes`; `init` is a checkpoint to begin from instead of random weights. `out` gets
    `stylelipsync.safetensors` (averaged weights), `state.pt` (to resume), `log.csv` and `sheets/`.
    """
    settings = make_settings(preset, changes or {})
    split = split_clips([clip for clip in clips if clip.frames > max(settings.frames, 7)])
    out.mkdir(parents=True, exist_ok=True)
    data = load_data(split.train, out / "data", settings.network)
    validation = load_data(split.validation, out / "data", settings.network)
    trainer = Trainer(settings, data, device)
    if (out / STATE).is_file():
        trainer.load(out / STATE)
    elif init is not None:
        trainer.begin_from(load_checkpoint(init).net)
    _cut_log(out / LOG, trainer.done)
    info = CheckpointInfo(name=f"stylelipsync-{preset}", trained_on=trained_on)
    _loop(trainer, validation, out, info)
    _save(trainer, out, info)
    return out / WEIGHTS


def make_settings(preset: str, changes: Mapping[str, object]) -> TrainSettings:
    """The recipe called `preset` with `changes`, of which those that are `None` are left out."""
    if preset not in PRESETS:
        raise BenchError(f"no recipe is called {preset!r}; choose {' or '.join(PRESETS)}")
    given = {key: value for key, value in changes.items() if value is not None}
    return TrainSettings.model_validate({**PRESETS[preset].model_dump(), **given})


def split_clips(clips: Sequence[PreparedClip]) -> Split:
    """Keep every 16th identity, in order of name, for validation; with one identity its last clip."""
    if len(clips) < 2:
        raise BenchError(f"{len(clips)} clips are long enough to train on; at least 2 are needed")
    identities = sorted({clip.identity for clip in clips})
    if len(identities) == 1:
        return Split(list(clips[:-1]), [clips[-1]])
    held_out = set(identities[_HELD_OUT - 1 :: _HELD_OUT] or identities[-1:])
    return Split(
        [clip for clip in clips if clip.identity not in held_out],
        [clip for clip in clips if clip.identity in held_out],
    )


def _loop(trainer: Trainer, validation: TrainingData, out: Path, info: CheckpointInfo) -> None:
    settings, began = trainer.settings, time.monotonic()
    with progress.stage("train", settings.steps - trainer.done) as tick:
        while trainer.done < settings.steps:
            losses = trainer.step()
            if not torch.isfinite(losses.total):
                raise BenchError(f"the loss is {float(losses.total)} at step {trainer.done}; lower the learning rate")
            tick(f"loss {float(losses.total):.4f}")
            if trainer.done % _LOG_EVERY == 0:
                _log(out / LOG, trainer, losses, time.monotonic() - began)
            if trainer.done % settings.sheet_every == 0:
                (out / "sheets").mkdir(exist_ok=True)
                write_sheet(out / "sheets" / f"{trainer.done:06d}.png", trainer.ema, validation, trainer.device)
            if trainer.done % settings.save_every == 0:
                _save(trainer, out, info)


def _save(trainer: Trainer, out: Path, info: CheckpointInfo) -> None:
    trainer.save(out / STATE)
    info = info.model_copy(update={"steps": trainer.done, "seed": trainer.settings.seed})
    save_checkpoint(out / WEIGHTS, trainer.ema, info, half=True)


def _log(path: Path, trainer: Trainer, losses: Losses, seconds: float) -> None:
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(_COLUMNS)
        rate = trainer.settings.lr * schedule(trainer.settings, trainer.done - 1)
        writer.writerow([trainer.done, f"{rate:.3g}", *(f"{float(value):.5f}" for value in losses), f"{seconds:.0f}"])


def _cut_log(path: Path, done: int) -> None:
    """Forget what was logged after the state that the run goes on from."""
    if not path.is_file():
        return
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if int(row.split(",")[0]) <= done]
    path.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
