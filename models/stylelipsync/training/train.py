"""Training StyleLipSync from prepared clips to a checkpoint."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.stylelipsync.checkpoint import CheckpointInfo
from bench_lipsync.models.stylelipsync.training.callbacks import STATE, WEIGHTS, Recorder
from bench_lipsync.models.stylelipsync.training.data import load_data
from bench_lipsync.models.stylelipsync.training.initialization import load_beginning
from bench_lipsync.models.stylelipsync.training.settings import TrainSettings
from bench_lipsync.models.stylelipsync.training.trainer import StyleLipSyncTrainer
from bench_lipsync.models.training.distributed import Ranks, first_alone
from bench_lipsync.models.training.loop import fit
from bench_lipsync.models.training.split import split_clips


def run(
    clips: Sequence[PreparedClip],
    out: Path,
    settings: TrainSettings,
    *,
    init: Path | None = None,
    expert: Path | None = None,
    name: str = "stylelipsync",
    trained_on: str = "unstated",
    device: str = "cpu",
    ranks: Ranks = Ranks(),  # noqa: B008 - a constant
) -> Path:
    """Train on `clips` in folder `out`; goes on where an earlier call stopped.

    Args:
        clips: Prepared clips; some identities are held out.
        out: Gets `stylelipsync.safetensors` (averaged weights), `state.pt` (to resume), `log.csv`, `validation.csv`
            and `sheets/`.
        settings: Of the training.
        init: Checkpoint or StyleGAN2 prior to begin from instead of random weights.
        expert: Weights of another sync expert.
        name: Of the checkpoint.
        trained_on: What the checkpoint says about its training data.
        device: Torch device.
        ranks: The processes that train together.

    Returns:
        Path of the checkpoint.

    Raises:
        BenchError: For too few clips, a folder of another training, and a loss that is not finite.

    """
    split = split_clips([clip for clip in clips if clip.frames > max(settings.frames, 7)])
    with first_alone(ranks):
        out.mkdir(parents=True, exist_ok=True)
        data = load_data(split.train, out / "data", settings.network)
    trainer = StyleLipSyncTrainer(settings, data, device, expert=expert, ranks=ranks)
    _begin(trainer, out, init)
    if not ranks.first:
        fit(trainer, (), lambda: None, quiet=True)
        return out / WEIGHTS
    info = CheckpointInfo(name=name, trained_on=trained_on, seed=settings.seed)
    recorder = Recorder(trainer, split.held_out, out, info)
    fit(trainer, recorder.callbacks, recorder.save)
    return out / WEIGHTS


def _begin(trainer: StyleLipSyncTrainer, out: Path, init: Path | None) -> None:
    if (out / STATE).is_file():
        trainer.load(out / STATE)
        _say(trainer, f"going on after step {trainer.done}")
    elif init is not None:
        _say(trainer, trainer.begin_from(load_beginning(init, trainer.settings.network)))
    elif not trainer.settings.train_synthesis:
        raise BenchError("this recipe freezes the decoder: name a StyleGAN2 prior or a checkpoint (--init)")


def _say(trainer: StyleLipSyncTrainer, text: str) -> None:
    if trainer.ranks.first:
        print(text, file=sys.stderr)
