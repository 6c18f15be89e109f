"""`bench train wav2lip`: the baseline's generator, on the clips of a dataset."""

from __future__ import annotations

from typing import Annotated

import typer

from bench_lipsync.harness.cli.training import DataRoot, Dataset, Device, Limit, Out, Seed, Split, training_clips


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(
        "wav2lip",
        epilog="Example: bench train wav2lip --dataset demo --split train --out runs/wav2lip",
    )(train_wav2lip)


def train_wav2lip(
    out: Out,
    dataset: Dataset = "demo",
    data_root: DataRoot = None,
    split: Split = "train",
    limit: Limit = None,
    preset: Annotated[
        str, typer.Option(help="demo: a quarter of the width, for a CPU core. published: the authors' size and recipe.")
    ] = "demo",
    steps: Annotated[int | None, typer.Option(help="Optimiser steps instead of the recipe's.", min=1)] = None,
    batch: Annotated[int | None, typer.Option(help="Clips a step instead of the recipe's.", min=1)] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate instead of the recipe's.", min=0.0)] = None,
    sync_weight: Annotated[
        float | None, typer.Option(help="Share of synchrony in the loss; 0: no sync expert.", min=0.0, max=0.99)
    ] = None,
    sync_start: Annotated[int | None, typer.Option(help="Step from which synchrony counts.", min=0)] = None,
    save_every: Annotated[int | None, typer.Option(help="Steps between checkpoints.", min=1)] = None,
    seed: Seed = None,
    device: Device = "auto",
) -> None:
    """Train Wav2Lip's generator; writes weights, curves and sheets of people that are not trained on."""
    from bench_lipsync.harness.compute.device import pick_device
    from bench_lipsync.harness.registry.plugins import TRAINERS

    clips = training_clips(dataset, data_root, split, limit)
    changes = {
        **{"steps": steps, "batch": batch, "lr": lr, "seed": seed, "save_every": save_every},
        **{"sync_weight": sync_weight, "sync_start": sync_start},
    }
    weights = TRAINERS.get("wav2lip")(
        clips,
        out,
        preset,
        changes,
        trained_on=f"{dataset} ({split}, {len(clips)} clips)",
        device=pick_device(device),
    )
    print(f"weights: {weights}\nmeasure them: bench run --model wav2lip:{weights} --dataset demo")
