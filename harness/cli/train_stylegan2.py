"""`bench train stylegan2`: the generator that StyleLipSync's decoder begins from, on the frames of a dataset."""

from __future__ import annotations

from typing import Annotated

import typer

from bench_lipsync.harness.cli.training import DataRoot, Dataset, Device, Limit, Out, Seed, Split, training_clips


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(
        "stylegan2",
        epilog="Example: bench train stylegan2 --dataset demo --split train --out runs/prior",
    )(train_stylegan2)


def train_stylegan2(
    out: Out,
    dataset: Dataset = "demo",
    data_root: DataRoot = None,
    split: Split = "train",
    limit: Limit = None,
    preset: Annotated[
        str,
        typer.Option(
            help="demo: 128 px, half an hour on one core. published: 256 px, StyleGAN2-ADA's paper256, on a GPU."
        ),
    ] = "demo",
    kimg: Annotated[float | None, typer.Option(help="Thousands of pictures instead of the recipe's.")] = None,
    batch: Annotated[int | None, typer.Option(help="Pictures a step instead of the recipe's.", min=2)] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate instead of the recipe's.", min=0.0)] = None,
    gamma: Annotated[float | None, typer.Option(help="Weight of R1 instead of the recipe's.", min=0.0)] = None,
    seed: Seed = None,
    device: Device = "auto",
) -> None:
    """Train a StyleGAN2 generator; writes the prior, a log and sheets of samples to the folder."""
    from bench_lipsync.harness.compute.device import pick_device
    from bench_lipsync.harness.registry.plugins import TRAINERS

    clips = training_clips(dataset, data_root, split, limit)
    weights = TRAINERS.get("stylegan2")(
        clips,
        out,
        preset,
        {"kimg": kimg, "batch": batch, "lr": lr, "r1_gamma": gamma, "seed": seed},
        trained_on=f"{dataset} ({split}, {len(clips)} clips)",
        device=pick_device(device),
    )
    print(f"prior: {weights}")
