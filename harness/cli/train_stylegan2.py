"""`bench train stylegan2`: the generator that StyleLipSync's decoder begins from, on the frames of a dataset."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(
        "stylegan2",
        epilog="Example: bench train stylegan2 --dataset demo --split train --out runs/prior",
    )(train_stylegan2)


def train_stylegan2(
    out: Annotated[Path, typer.Option(help="Folder of the training run; an existing one is continued.")],
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="demo, hdtf, voxceleb2 or folder.")] = "demo",
    data_root: Annotated[Path | None, typer.Option(help="Folder with the footage (demo needs none).")] = None,
    split: Annotated[str, typer.Option(help="train, all or test.")] = "train",
    limit: Annotated[int | None, typer.Option(help="Use at most this many clips.", min=1)] = None,
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
    seed: Annotated[int | None, typer.Option(help="Seed of weights and samples.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, or auto.")] = "auto",
) -> None:
    """Train a StyleGAN2 generator; writes the prior, a log and sheets of samples to the folder."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from harness.datasets.base import ClipRequest
    from harness.datasets.registry import DATASETS
    from harness.device import pick_device
    from harness.pipeline import prepare_all
    from harness.plugins import TRAINERS
    from harness.status import BenchError
    from harness.store import Store

    found = DATASETS.get(dataset)().clips(ClipRequest(data_root=data_root, split=split))
    prepared = prepare_all(found.clips[:limit], 256, Store())
    for clip_id, error in prepared.failures.items():
        print(f"left out: {clip_id}: {error.reason}", file=sys.stderr)
    if not prepared.clips:
        raise BenchError(f"no clip of {dataset} ({found.split}) can be trained on")
    weights = TRAINERS.get("stylegan2")(
        list(prepared.clips.values()),
        out,
        preset,
        {"kimg": kimg, "batch": batch, "lr": lr, "r1_gamma": gamma, "seed": seed},
        trained_on=f"{dataset} ({found.split}, {len(prepared.clips)} clips)",
        device=pick_device(device),
    )
    print(f"prior: {weights}")
