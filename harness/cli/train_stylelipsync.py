"""`bench train stylelipsync`: prepare the clips of a dataset and train on them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(
        "stylelipsync",
        epilog="Example: bench train stylelipsync --dataset demo --split train --out runs/stylelipsync",
    )(train_stylelipsync)


def train_stylelipsync(
    out: Annotated[Path, typer.Option(help="Folder of the training run; an existing one is continued.")],
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="demo, hdtf, voxceleb2 or folder.")] = "demo",
    data_root: Annotated[Path | None, typer.Option(help="Folder with the footage (demo needs none).")] = None,
    split: Annotated[str, typer.Option(help="train, all or test.")] = "train",
    limit: Annotated[int | None, typer.Option(help="Use at most this many clips.", min=2)] = None,
    preset: Annotated[
        str,
        typer.Option(help="demo and then demo-colour: 128 px, an hour on one core. published: 256 px, as the paper."),
    ] = "demo",
    steps: Annotated[int | None, typer.Option(help="Optimiser steps instead of the recipe's.", min=1)] = None,
    batch: Annotated[int | None, typer.Option(help="Clips a step instead of the recipe's.", min=1)] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate instead of the recipe's.", min=0.0)] = None,
    colour: Annotated[float | None, typer.Option(help="Strength of colour changes instead of the recipe's.")] = None,
    init: Annotated[Path | None, typer.Option(help="Checkpoint to begin from instead of random weights.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights and samples.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, or auto.")] = "auto",
) -> None:
    """Train StyleLipSync; writes the checkpoint, a log and pictures of validation clips to the folder."""
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
    weights = TRAINERS.get("stylelipsync")(
        list(prepared.clips.values()),
        out,
        preset,
        {"steps": steps, "batch": batch, "lr": lr, "colour": colour, "seed": seed},
        init=init,
        trained_on=f"{dataset} ({found.split}, {len(prepared.clips)} clips)",
        device=pick_device(device),
    )
    print(f"weights: {weights}")
