"""`bench train stylelipsync`: prepare the clips of a dataset and train on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench_lipsync.harness.cli.training import DataRoot, Dataset, Device, Limit, Out, Seed, Split, training_clips


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(
        "stylelipsync",
        epilog="Example: bench train stylelipsync --dataset demo --split train --out runs/stylelipsync. "
        "Several GPUs: torchrun --nproc-per-node 4 --no-python bench train stylelipsync ...",
    )(train_stylelipsync)


def train_stylelipsync(
    out: Out,
    dataset: Dataset = "demo",
    data_root: DataRoot = None,
    split: Split = "train",
    limit: Limit = None,
    preset: Annotated[
        str, typer.Option(help="demo: 128 px, for a CPU core. published: 256 px, as the paper.")
    ] = "demo",
    steps: Annotated[int | None, typer.Option(help="Optimiser steps instead of the recipe's.", min=1)] = None,
    batch: Annotated[int | None, typer.Option(help="Clips at once and process instead of the recipe's.", min=1)] = None,
    accumulate: Annotated[int | None, typer.Option(help="Batches that make one step together.", min=1)] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate instead of the recipe's.", min=0.0)] = None,
    lr_decoder: Annotated[float | None, typer.Option(help="The same for decoder and SaMF.", min=0.0)] = None,
    colour: Annotated[float | None, typer.Option(help="Strength of colour changes instead of the recipe's.")] = None,
    lambda_sync: Annotated[float | None, typer.Option(help="Weight of synchrony; 0: no sync expert.", min=0.0)] = None,
    sync_start: Annotated[int | None, typer.Option(help="Step from which synchrony counts.", min=0)] = None,
    expert: Annotated[Path | None, typer.Option(help="Sync expert instead of the one of the package.")] = None,
    train_synthesis: Annotated[
        bool | None, typer.Option("--train-decoder/--freeze-decoder", help="Instead of the recipe's choice.")
    ] = None,
    samf: Annotated[bool, typer.Option("--samf/--no-samf", help="Style-aware masked fusion.")] = True,
    mals: Annotated[bool, typer.Option("--mals/--no-mals", help="Moving-average latent smoothing.")] = True,
    mask: Annotated[str, typer.Option(help="What is hidden: pose-aware, box or landmark.")] = "pose-aware",
    precision: Annotated[str | None, typer.Option(help="fp32 or bf16 instead of the recipe's.")] = None,
    init: Annotated[
        Path | None, typer.Option(help="StyleGAN2 prior or checkpoint to begin from instead of random weights.")
    ] = None,
    save_every: Annotated[int | None, typer.Option(help="Steps between checkpoints.", min=1)] = None,
    validate_every: Annotated[int | None, typer.Option(help="Steps between measurements; 0: never.", min=0)] = None,
    seed: Seed = None,
    device: Device = "auto",
) -> None:
    """Train StyleLipSync; writes the checkpoint, curves and pictures of validation clips to the folder."""
    from bench_lipsync.harness.compute.device import pick_device
    from bench_lipsync.harness.registry.plugins import TRAINERS
    from bench_lipsync.models.training.distributed import first_alone, join, leave, own_device

    ranks = join()
    with first_alone(ranks):
        clips = training_clips(dataset, data_root, split, limit)
    changes = {
        "steps": steps,
        "batch": batch,
        "accumulate": accumulate,
        "lr": lr,
        "lr_decoder": lr_decoder,
        "colour": colour,
        "lambda_sync": lambda_sync,
        "sync_start": sync_start,
        "train_synthesis": train_synthesis,
        "precision": precision,
        "save_every": save_every,
        "validate_every": validate_every,
        "seed": seed,
    }
    weights = TRAINERS.get("stylelipsync")(
        clips,
        out,
        preset,
        changes,
        switches={"samf": samf, "mals": mals, "mask": mask},
        init=init,
        expert=expert,
        trained_on=f"{dataset} ({split}, {len(clips)} clips)",
        device=own_device(pick_device(device)),
        ranks=ranks,
    )
    leave()
    if ranks.first:
        print(f"weights: {weights}")
