"""What `bench train` trains: every option that changes a setting stands here once; settings models check its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class Setting(NamedTuple):
    """An option that changes a setting."""

    type: type
    help: str
    field: str = ""
    """Of the settings model, dotted within nested ones; `""` where it is the option's name."""
    flags: str = ""
    """How the option is spelled; `""` where it follows from its name."""


class Trainer(NamedTuple):
    """What trains a network, imported only when a training begins."""

    run: Callable[..., Path]
    presets: Mapping[str, Any]
    check: Callable[[Any], object] = id
    """Raises `BenchError` if files are missing that settings ask for."""


@dataclass(frozen=True)
class Target:
    """A network that can be trained."""

    name: str
    help: str
    example: str
    load: Callable[[str], Trainer]
    """Called with the preset's name."""
    presets: dict[str, str]
    """What each preset is, by name; the first is the default."""
    settings: dict[str, Setting]
    """By the option's name."""
    preset_option: str = "preset"
    files: dict[str, str] = field(default_factory=dict)
    """Help of the options that name files, by the trainer's argument."""
    labelled: bool = True
    """Whether the weights say their name and what they were trained on."""
    parallel: bool = False
    """Whether several processes may train together."""
    result: str = "weights: {path}"


def _stylelipsync(_: str) -> Trainer:
    from bench_lipsync.models.stylelipsync.mask.predictor import mesh_predictor
    from bench_lipsync.models.stylelipsync.training.settings import PRESETS
    from bench_lipsync.models.stylelipsync.training.train import run

    return Trainer(run, PRESETS, lambda settings: mesh_predictor(settings.network.mesh))


def _stylegan2(_: str) -> Trainer:
    from bench_lipsync.models.stylegan2.training.settings import PRESETS
    from bench_lipsync.models.stylegan2.training.train import run

    return Trainer(run, PRESETS)


def _syncnet(network: str) -> Trainer:
    from bench_lipsync.models.syncnet.expert.train import run as run_expert
    from bench_lipsync.models.syncnet.open.train import run as run_open
    from bench_lipsync.models.syncnet.settings import PRESETS

    return Trainer(run_expert if network == "expert" else run_open, PRESETS)


def _wav2lip(_: str) -> Trainer:
    from bench_lipsync.models.wav2lip.training.settings import PRESETS
    from bench_lipsync.models.wav2lip.training.train import run

    return Trainer(run, PRESETS)


_SEED = Setting(int, "Seed of weights and samples.")
_SAVE = Setting(int, "Steps between checkpoints.")
STYLELIPSYNC = Target(
    "stylelipsync",
    "Train StyleLipSync; writes the checkpoint, curves and sheets of validation clips to the folder.",
    "bench train stylelipsync --dataset demo --split train --out runs/stylelipsync. "
    "Several GPUs: torchrun --nproc-per-node 4 --no-python bench train stylelipsync ...",
    _stylelipsync,
    {"demo": "128 px, for a CPU core", "paper": "256 px, as the paper", "released": "256 px, as the released code"},
    {
        "steps": Setting(int, "Optimiser steps instead of the recipe's."),
        "batch": Setting(int, "Clips at once and process instead of the recipe's."),
        "accumulate": Setting(int, "Batches that make one step together."),
        "lr": Setting(float, "Learning rate instead of the recipe's."),
        "lr_decoder": Setting(float, "The same for decoder and SaMF."),
        "colour": Setting(float, "Strength of colour changes instead of the recipe's."),
        "lambda_sync": Setting(float, "Weight of synchrony; 0: no sync expert."),
        "sync_loss": Setting(str, "Form of the sync loss: cosine (1 - cosine, as the paper) or bce."),
        "sync_start": Setting(int, "Step from which synchrony counts."),
        "train_synthesis": Setting(bool, "Instead of the recipe's choice.", flags="--train-decoder/--freeze-decoder"),
        "fusion": Setting(str, "Of face features: samf, standard (no modulation) or sum (no gate).", "network.fusion"),
        "mals": Setting(bool, "Moving-average latent smoothing.", "network.mals", "--mals/--no-mals"),
        "mask": Setting(
            str, "What is hidden: pose-aware, box (lower half of the face), half-frame or landmark.", "network.mask"
        ),
        "mesh": Setting(
            str, "What finds the face mesh of the mask: mediapipe, or bfm with your files.", "network.mesh"
        ),
        "precision": Setting(str, "fp32 or bf16 instead of the recipe's."),
        "save_every": _SAVE,
        "validate_every": Setting(int, "Steps between measurements; 0: never."),
        "seed": _SEED,
    },
    files={
        "init": "StyleGAN2 prior or checkpoint to begin from instead of random weights.",
        "expert": "Sync expert instead of the one of the package.",
    },
    parallel=True,
)
STYLEGAN2 = Target(
    "stylegan2",
    "Train a StyleGAN2 generator; writes the prior, a log and sheets of samples to the folder.",
    "bench train stylegan2 --dataset demo --split train --out runs/prior",
    _stylegan2,
    {
        "demo": "128 px, half an hour on one core",
        "published": "256 px, StyleGAN2-ADA's paper256, on a GPU",
    },
    {
        "kimg": Setting(float, "Thousands of frames instead of the recipe's."),
        "batch": Setting(int, "Frames a step instead of the recipe's."),
        "lr": Setting(float, "Learning rate instead of the recipe's."),
        "gamma": Setting(float, "Weight of R1 instead of the recipe's.", "r1_gamma"),
        "seed": _SEED,
    },
    result="prior: {path}",
)
SYNCNET = Target(
    "syncnet",
    """Train the open SyncNet (OUT/open_syncnet.safetensors) or the sync expert (OUT/sync_expert.safetensors).

    OUT/curve.csv has the losses. The expert learns from true windows, the same clip shifted by two frames or more, and
    other clips; it never measures. The same clips, options and device give the same weights, interrupted or not.
    """,
    "bench train syncnet --dataset demo --split train --out work/syncnet --steps 3000",
    _syncnet,
    {"open": "the network that measures", "expert": "the one that judges 5 frames in training"},
    {
        "steps": Setting(int, "Optimizer steps (3000)."),
        "seed": Setting(int, "Seed of weights, order and augmentation (0)."),
        "batch": Setting(int, "Clips in a step (16)."),
        "learning_rate": Setting(float, "At its highest (0.001)."),
        "loss": Setting(str, "Of the expert: calibrated, or contrastive (InfoNCE in a clip, as the paper)."),
        "bf16": Setting(bool, "Half-precision arithmetic, where the processor has it.", flags="--bf16/--no-bf16"),
    },
    preset_option="network",
    labelled=False,
)
WAV2LIP = Target(
    "wav2lip",
    "Train Wav2Lip's generator; writes weights, curves and sheets of identities that are not trained on.",
    "bench train wav2lip --dataset demo --split train --out runs/wav2lip",
    _wav2lip,
    {"demo": "a quarter of the width, for a CPU core", "published": "the authors' size and recipe"},
    {
        "steps": Setting(int, "Optimiser steps instead of the recipe's."),
        "batch": Setting(int, "Clips a step instead of the recipe's."),
        "lr": Setting(float, "Learning rate instead of the recipe's."),
        "sync_weight": Setting(float, "Share of synchrony in the loss; 0: no sync expert."),
        "sync_start": Setting(int, "Step from which synchrony counts."),
        "save_every": _SAVE,
        "seed": _SEED,
    },
    result="weights: {path}\nmeasure them: bench run --model wav2lip:{path} --dataset demo",
)
TARGETS = (STYLELIPSYNC, STYLEGAN2, SYNCNET, WAV2LIP)
