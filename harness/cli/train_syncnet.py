"""`bench train syncnet`: train the open SyncNet, or the sync expert, on the clips of a dataset."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from bench_lipsync.harness.cli.training import DataRoot, Dataset, Device, Limit, Out, Split, training_clips

TRAINER_NAMES = {"open": "syncnet", "expert": "sync-expert"}
"""What `--network` may be, and the trainer it stands for."""


def register(sub: typer.Typer) -> None:
    """Add the command to `bench train`."""
    sub.command(
        "syncnet", epilog="Example: bench train syncnet --dataset demo --split train --out work/syncnet --steps 3000"
    )(train_syncnet)


def train_syncnet(
    out: Out,
    network: Annotated[
        str, typer.Option(help="open: the network that measures. expert: the one that judges 5 frames in training.")
    ] = "open",
    dataset: Dataset = "demo",
    data_root: DataRoot = None,
    split: Split = "train",
    limit: Limit = None,
    steps: Annotated[int, typer.Option(help="Optimizer steps.", min=1)] = 3000,
    seed: Annotated[int, typer.Option(help="Seed of weights, order and augmentation.")] = 0,
    batch: Annotated[int, typer.Option(help="Clips in a step.", min=2)] = 16,
    learning_rate: Annotated[float, typer.Option(help="At its highest.", min=1e-7)] = 1e-3,
    bf16: Annotated[bool, typer.Option(help="Half-precision arithmetic, where the processor has it.")] = False,
    device: Device = "auto",
) -> None:
    """Train the open SyncNet (OUT/open_syncnet.safetensors) or the sync expert (OUT/sync_expert.safetensors).

    OUT/curve.csv has the losses. The expert learns from true windows, the same clip shifted by two frames or more, and
    other clips; it never measures. The same clips, options and device give the same weights, interrupted or not.
    """
    from bench_lipsync.harness.compute.device import pick_device
    from bench_lipsync.harness.registry.plugins import TRAINERS
    from bench_lipsync.harness.util.progress import stage

    if network not in TRAINER_NAMES:
        raise typer.BadParameter(f"{network!r} is neither {' nor '.join(TRAINER_NAMES)}", param_hint="--network")
    chosen = pick_device(device)
    clips = training_clips(dataset, data_root, split, limit)
    settings: dict[str, Any] = {
        "steps": steps,
        "seed": seed,
        "batch": batch,
        "learning_rate": learning_rate,
        "bf16": bf16,
    }
    with stage("train", steps) as tick:
        weights = TRAINERS.get(TRAINER_NAMES[network])(clips, out, config=settings, device=chosen, on_step=tick)
    print(f"weights: {weights}", file=sys.stderr)
