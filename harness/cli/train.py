"""`bench train`: networks of this project, trained from prepared clips.

Every option that changes a setting stands once, in `TARGETS`; the settings models check its value.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import typer

from bench_lipsync.harness.cli.training import DataRoot, Dataset, Device, Limit, Out, Split, training_clips

_SET = "Any other setting, as lr=1e-4 or network.mask=box; may be given several times."


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
    {"demo": "128 px, for a CPU core", "published": "256 px, as the paper"},
    {
        "steps": Setting(int, "Optimiser steps instead of the recipe's."),
        "batch": Setting(int, "Clips at once and process instead of the recipe's."),
        "accumulate": Setting(int, "Batches that make one step together."),
        "lr": Setting(float, "Learning rate instead of the recipe's."),
        "lr_decoder": Setting(float, "The same for decoder and SaMF."),
        "colour": Setting(float, "Strength of colour changes instead of the recipe's."),
        "lambda_sync": Setting(float, "Weight of synchrony; 0: no sync expert."),
        "sync_start": Setting(int, "Step from which synchrony counts."),
        "train_synthesis": Setting(bool, "Instead of the recipe's choice.", flags="--train-decoder/--freeze-decoder"),
        "samf": Setting(bool, "Style-aware masked fusion.", "network.samf", "--samf/--no-samf"),
        "mals": Setting(bool, "Moving-average latent smoothing.", "network.mals", "--mals/--no-mals"),
        "mask": Setting(str, "What is hidden: pose-aware, box or landmark.", "network.mask"),
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


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    group = typer.Typer(
        epilog="Example: bench train syncnet --dataset demo --split train --out work/syncnet",
        help="Train the networks of this project; every run can be interrupted and goes on where it stopped.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for target in TARGETS:
        group.command(target.name, epilog=f"Example: {target.example}", help=target.help)(_command(target))
    app.add_typer(group, name="train")


def _command(target: Target) -> Callable[..., None]:
    """The function whose signature Typer reads: what all trainings have, and the target's own options."""

    def train(**options: Any) -> None:
        _train(target, options)

    presets: Any = Literal[tuple(target.presets)]
    preset_help = " ".join(f"{name}: {text}." for name, text in target.presets.items())
    options: dict[str, tuple[Any, Any]] = {
        "out": (Out, inspect.Parameter.empty),
        "dataset": (Dataset, "demo"),
        "data_root": (DataRoot, None),
        "split": (Split, "train"),
        "limit": (Limit, None),
        target.preset_option: (
            Annotated[presets, typer.Option(help=preset_help)],
            next(iter(target.presets)),
        ),
    }
    for name, option in target.settings.items():
        flags = (option.flags,) if option.flags else ()
        options[name] = (Annotated[option.type | None, typer.Option(*flags, help=option.help)], None)
    for name, text in target.files.items():
        options[name] = (Annotated[Path | None, typer.Option(help=text)], None)
    options["set_"] = (Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help=_SET)], None)
    options["device"] = (Device, "auto")
    kind = inspect.Parameter.KEYWORD_ONLY
    train.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind, default=default, annotation=type_) for name, (type_, default) in options.items()]
    )
    train.__annotations__ = {name: type_ for name, (type_, _) in options.items()}
    return train


def _train(target: Target, options: dict[str, Any]) -> None:
    from bench_lipsync.harness.compute.device import pick_device
    from bench_lipsync.models.training.distributed import Ranks, first_alone, join, leave, own_device
    from bench_lipsync.models.training.settings import make_settings

    preset = options[target.preset_option]
    trainer = target.load(preset)
    # Before the clips, whose preparation may take hours.
    settings = make_settings(trainer.presets, preset, _changes(target, options))
    trainer.check(settings)
    device = pick_device(options["device"])
    ranks = join() if target.parallel else Ranks()
    with first_alone(ranks):
        clips = training_clips(options["dataset"], options["data_root"], options["split"], options["limit"])
    arguments: dict[str, Any] = {name: options[name] for name in target.files}
    if target.labelled:
        data = f"{options['dataset']} ({options['split']}, {len(clips)} clips)"
        arguments |= {"name": f"{target.name}-{preset}", "trained_on": data}
    if target.parallel:
        arguments["ranks"], device = ranks, own_device(device)
    weights = trainer.run(clips, options["out"], settings, device=device, **arguments)
    leave()
    if ranks.first:
        print(target.result.format(path=weights))


def _changes(target: Target, options: dict[str, Any]) -> dict[str, Any]:
    """What the options change, nested as the settings are; `--set` has the last word."""
    from bench_lipsync.harness.errors import BenchError

    pairs = [(setting.field or name, options[name]) for name, setting in target.settings.items()]
    for text in options["set_"] or []:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise BenchError(f"--set {text!r} is no KEY=VALUE; write it as --set lr=1e-4")
        pairs.append((key, _value(value)))
    changes: dict[str, Any] = {}
    for key, value in pairs:
        if value is not None:
            *parents, last = key.split(".")
            inner = changes
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[last] = value
    return changes


def _value(text: str) -> Any:
    """Lists and truth values are written as JSON; anything else is a word or number that the settings understand."""
    try:
        return json.loads(text)
    except ValueError:
        return text
