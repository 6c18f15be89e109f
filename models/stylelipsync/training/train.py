"""Training from prepared clips to a checkpoint: data, loop, curves, pictures, resuming."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.util import progress
from bench_lipsync.models.stylelipsync.training.callbacks import STATE, WEIGHTS, Watch
from bench_lipsync.models.stylelipsync.training.data import load_data
from bench_lipsync.models.stylelipsync.training.initialization import load_beginning
from bench_lipsync.models.stylelipsync.training.settings import PRESETS, TrainSettings
from bench_lipsync.models.stylelipsync.training.trainer import Trainer
from bench_lipsync.models.training.distributed import Ranks, first_alone
from bench_lipsync.models.training.split import split_clips


def run(
    clips: Sequence[PreparedClip],
    out: Path,
    preset: str = "demo",
    changes: Mapping[str, object] | None = None,
    *,
    switches: Mapping[str, object] | None = None,
    init: Path | None = None,
    expert: Path | None = None,
    trained_on: str = "unstated",
    device: str = "cpu",
    ranks: Ranks = Ranks(),  # noqa: B008 - a constant
) -> Path:
    """Train on `clips` in folder `out` and return the checkpoint's path; goes on where an earlier call stopped.

    The recipe is `preset` with `changes`, its network with `switches` (`samf`, `mals`, `mask`). `init` is a checkpoint
    or StyleGAN2 prior to begin from instead of random weights, `expert` the weights of another sync expert.
    `out` gets `stylelipsync.safetensors` (averaged weights), `state.pt` (to resume), `log.csv`, `validation.csv` and
    `sheets/`.
    """
    settings = make_settings(preset, changes or {}, switches or {})
    split = split_clips([clip for clip in clips if clip.frames > max(settings.frames, 7)])
    with first_alone(ranks):
        out.mkdir(parents=True, exist_ok=True)
        data = load_data(split.train, out / "data", settings.network)
    trainer = Trainer(settings, data, device, expert=expert, ranks=ranks)
    _begin(trainer, out, init)
    watch = Watch(trainer, split.held_out, out, f"stylelipsync-{preset}", trained_on) if ranks.first else None
    with progress.stage("train", settings.steps - trainer.done, quiet=not ranks.first) as tick:
        while trainer.done < settings.steps:
            losses = trainer.step()
            if not torch.isfinite(losses.total):
                raise BenchError(f"the loss is {float(losses.total)} at step {trainer.done}; lower the learning rate")
            tick(f"loss {float(losses.total):.4f}")
            if watch is not None:
                watch.after(losses)
    if watch is not None:
        watch.save()
    return out / WEIGHTS


def make_settings(
    preset: str, changes: Mapping[str, object], switches: Mapping[str, object] | None = None
) -> TrainSettings:
    """The recipe called `preset` with `changes`, its network with `switches`; those that are `None` are left out."""
    if preset not in PRESETS:
        raise BenchError(f"no recipe is called {preset!r}; choose {' or '.join(PRESETS)}")
    recipe = PRESETS[preset].model_dump()
    recipe.update(_given(changes))
    recipe["network"].update(_given(switches or {}))
    return validate(TrainSettings, recipe, f"recipe {preset}")


def _given(changes: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in changes.items() if value is not None}


def _begin(trainer: Trainer, out: Path, init: Path | None) -> None:
    if (out / STATE).is_file():
        trainer.load(out / STATE)
        _say(trainer, f"going on after step {trainer.done}")
    elif init is not None:
        _say(trainer, trainer.begin_from(load_beginning(init, trainer.settings.network)))
    elif not trainer.settings.train_synthesis:
        raise BenchError("this recipe freezes the decoder: name a StyleGAN2 prior or a checkpoint (--init)")


def _say(trainer: Trainer, text: str) -> None:
    if trainer.ranks.first:
        print(text, file=sys.stderr)
