"""Few-shot adaptation: a checkpoint and a few seconds of a speaker in, a checkpoint adapted to that speaker out."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.seen_frames import SeenFrames, frames_of
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.stylelipsync.adaptation.foreign_speech import ForeignSpeech, demo_speech, foreign_speech
from bench_lipsync.models.stylelipsync.adaptation.settings import AdaptSettings, preset
from bench_lipsync.models.stylelipsync.adaptation.trainer import AdaptLosses, AdaptTrainer, Judge, Task
from bench_lipsync.models.stylelipsync.checkpoint import Adaptation, Checkpoint, CheckpointInfo, save_checkpoint
from bench_lipsync.models.stylelipsync.training.data import load_data
from bench_lipsync.models.stylelipsync.variants import load_named_checkpoint
from bench_lipsync.models.training.loop import Callback, fit
from bench_lipsync.models.training.metrics_log import MetricsLog
from bench_lipsync.models.training.settings import change_settings

_LOG_EVERY = 10


def adapt(
    checkpoint: Checkpoint,
    footage: PreparedClip,
    frames: tuple[int, int],
    settings: AdaptSettings,
    out: Path,
    *,
    foreign: ForeignSpeech | None = None,
    device: str = "cpu",
    judge: Judge | None = None,
    earlier: Mapping[int, Path] | None = None,
) -> Path:
    """Tune `checkpoint`'s synthesis network to frames `frames[0]:frames[1]` of `footage` and write it to `out`.

    Everything else stays as it is, bit for bit. `foreign` is the speech of the sync regulariser (default: the demo
    set's), `judge` replaces the sync expert. Beside `out` lie `NAME.state.pt` while it is not finished, from which the
    same call goes on, and the curves in `NAME.log/`. `earlier` are further files by the step after which they are
    written, with a constant learning rate the same as adaptations of so many steps. Raises `BenchError`, also for
    weights that are adapted already.
    """
    _require_unadapted(checkpoint)
    if settings.lambda_reg and foreign is None:
        foreign = demo_speech()
    start, stop = frames
    key = "|".join(
        (checkpoint.sha256, footage.content_hash, f"{start}:{stop}", foreign.name if foreign else "", _device(device))
    )
    work = out.with_name(f".{out.stem}.data")
    out.parent.mkdir(parents=True, exist_ok=True)
    data = load_data([footage], work, checkpoint.net.config)
    trainer = AdaptTrainer(checkpoint.net, settings, Task(data, start, stop, foreign, key), device, judge)
    state = out.with_name(f"{out.stem}.state.pt")
    if state.is_file():
        trainer.load(state)
    log = MetricsLog(out.with_name(f"{out.stem}.log") / "log.csv", (*AdaptLosses._fields, "seconds"), trainer.done)

    def add_row(losses: AdaptLosses) -> None:
        log.add(trainer.done, {name: float(value) for name, value in losses._asdict().items()})

    def write_weights(path: Path) -> None:
        reached = settings.model_copy(update={"steps": trainer.done})
        path.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(path, trainer.net, _info(checkpoint, frames_of(footage, start, stop), reached, foreign))

    def write_earlier(_: AdaptLosses) -> None:
        if earlier and trainer.done in earlier:
            write_weights(earlier[trainer.done])

    callbacks = [Callback(_LOG_EVERY, add_row), Callback(1 if earlier else 0, write_earlier)]
    fit(trainer, callbacks, lambda: trainer.save(state), title="adapt")
    write_weights(out)
    state.unlink(missing_ok=True)
    shutil.rmtree(work, ignore_errors=True)
    return out


class Recipe(NamedTuple):
    """What is tuned, and how."""

    checkpoint: Checkpoint
    settings: AdaptSettings


def make_recipe(weights: str | None, variant: str, changes: Mapping[str, object]) -> Recipe:
    """The model that `NAME@VARIANT:WEIGHTS` names, and the recipe for its size with `changes` other than `None`.

    Raises `BenchError` for weights and settings that cannot be used.
    """
    checkpoint = load_named_checkpoint(weights, variant).checkpoint
    _require_unadapted(checkpoint)
    recipe = preset(checkpoint.net.config)
    return Recipe(checkpoint, change_settings(recipe, changes, "the adaptation's settings are not valid"))


def run(
    recipe: Recipe,
    footage: PreparedClip,
    out: Path,
    *,
    foreign: tuple[str, Sequence[NDArray[np.int16]]] | None = None,
    device: str = "cpu",
) -> Path:
    """Tune to all of `footage`, for `bench adapt`; `foreign` is a name and utterances at 16 kHz for the regulariser."""
    checkpoint, settings = recipe
    speech = foreign_speech(foreign[1], foreign[0]) if foreign and settings.lambda_reg else None
    return adapt(checkpoint, footage, (0, footage.frames), settings, out, foreign=speech, device=device)


def _info(
    checkpoint: Checkpoint, seen: SeenFrames, settings: AdaptSettings, foreign: ForeignSpeech | None
) -> CheckpointInfo:
    """What the adapted weights say of themselves."""
    adaptation = Adaptation(
        base=checkpoint.sha256,
        base_name=checkpoint.info.name,
        **{key: value for key, value in asdict(seen).items() if key in Adaptation.model_fields},
        steps=settings.steps,
        lambda_sync=settings.lambda_sync,
        lambda_reg=settings.lambda_reg,
        foreign=foreign.name if foreign and settings.lambda_reg else "none",
        settings=hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:16],
        seed=settings.seed,
    )
    return checkpoint.info.model_copy(update={"name": f"{checkpoint.info.name}-adapted", "adapted": adaptation})


def _require_unadapted(checkpoint: Checkpoint) -> None:
    if checkpoint.info.adapted is not None:
        # The file would forget what the first adaptation saw.
        before = checkpoint.info.adapted
        raise BenchError(f"these weights are adapted already; begin from {before.base_name} ({before.base[:8]})")


def _device(device: str) -> str:
    return torch.device(device).type
