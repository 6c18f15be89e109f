"""Training a StyleGAN2 generator from prepared clips: data, loop, log, sheets, resuming."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.util import progress
from bench_lipsync.models.stylegan2.prior import Prior, PriorInfo, save_prior
from bench_lipsync.models.stylegan2.training.data import load_frames
from bench_lipsync.models.stylegan2.training.settings import PRESETS, GanSettings
from bench_lipsync.models.stylegan2.training.sheet import write_sheet
from bench_lipsync.models.stylegan2.training.trainer import GanLosses, GanTrainer

STATE = "state.pt"
WEIGHTS = "prior.safetensors"
LOG = "log.csv"
_COLUMNS = ("step", "kimg", *GanLosses._fields, "seconds")
_LOG_EVERY = 20


def run(
    clips: Sequence[PreparedClip],
    out: Path,
    preset: str = "demo",
    changes: Mapping[str, object] | None = None,
    *,
    trained_on: str = "unstated",
    device: str = "cpu",
) -> Path:
    """Train on the frames of `clips` in folder `out` and return the prior's path; goes on where a call stopped.

    `out` gets `prior.safetensors` (averaged generator), `state.pt` (to resume), `log.csv` and `sheets/`.
    """
    settings = make_settings(preset, changes or {})
    frames = load_frames(clips, out / "data", settings.network.resolution)
    trainer = GanTrainer(settings, frames, device)
    if (out / STATE).is_file():
        trainer.load(out / STATE)
    _cut_log(out / LOG, trainer.done)
    info = PriorInfo(name=f"stylegan2-{preset}", trained_on=trained_on, seed=settings.seed)
    _loop(trainer, out, info)
    _save(trainer, out, info)
    return out / WEIGHTS


def make_settings(preset: str, changes: Mapping[str, object]) -> GanSettings:
    """The recipe called `preset` with `changes`, of which those that are `None` are left out."""
    if preset not in PRESETS:
        raise BenchError(f"no recipe is called {preset!r}; choose {' or '.join(PRESETS)}")
    given = {key: value for key, value in changes.items() if value is not None}
    settings = validate(GanSettings, {**PRESETS[preset].model_dump(), **given}, f"recipe {preset}")
    if settings.batch > settings.group and settings.batch % settings.group:
        raise BenchError(f"a batch of {settings.batch} cannot be divided into groups of {settings.group}")
    return settings


def _loop(trainer: GanTrainer, out: Path, info: PriorInfo) -> None:
    settings, began = trainer.settings, time.monotonic()
    with progress.stage("train", settings.steps - trainer.done) as tick:
        while trainer.done < settings.steps:
            losses = trainer.step()
            if not all(math.isfinite(value) for value in losses):
                raise BenchError(f"the losses are {losses} at step {trainer.done}; lower the learning rate")
            tick(f"D {losses.discriminator:.3f} G {losses.generator:.3f}")
            if trainer.done % _LOG_EVERY == 0:
                _log(out / LOG, trainer, losses, time.monotonic() - began)
            if trainer.done % settings.sheet_every == 0:
                write_sheet(out / "sheets" / f"{trainer.done:06d}.png", trainer.ema, trainer.device)
            if trainer.done % settings.save_every == 0:
                _save(trainer, out, info)


def _save(trainer: GanTrainer, out: Path, info: PriorInfo) -> None:
    trainer.save(out / STATE)
    ema, kimg = trainer.ema, trainer.done * trainer.settings.batch / 1000
    info = info.model_copy(update={"kimg": kimg})
    states = ema.synthesis.state_dict(), ema.mapping.state_dict()
    save_prior(out / WEIGHTS, Prior(states[0], ema.mapping.w_avg, ema.config, states[1], info), half=True)


def _log(path: Path, trainer: GanTrainer, losses: GanLosses, seconds: float) -> None:
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(_COLUMNS)
        kimg = trainer.done * trainer.settings.batch / 1000
        writer.writerow([trainer.done, f"{kimg:g}", *(f"{value:.5f}" for value in losses), f"{seconds:.0f}"])


def _cut_log(path: Path, done: int) -> None:
    """Forget what was logged after the state that the training goes on from."""
    if not path.is_file():
        return
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if int(row.split(",")[0]) <= done]
    path.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
