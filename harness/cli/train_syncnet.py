"""`bench train syncnet`: train the open SyncNet, or the sync expert, on the clips of a dataset."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from harness.clip import PreparedClip

TRAINER_NAMES = {"open": "syncnet", "expert": "sync-expert"}
"""What `--network` may be, and the trainer it stands for."""


def register(sub: typer.Typer) -> None:
    """Add the command to `bench train`."""
    sub.command(
        "syncnet", epilog="Example: bench train syncnet --dataset demo --split train --out work/syncnet --steps 3000"
    )(train_syncnet)


def train_syncnet(
    out: Annotated[Path, typer.Option(help="Folder for checkpoint, curve and weights; an unfinished run goes on.")],
    network: Annotated[
        str, typer.Option(help="open: the network that measures. expert: the one that judges 5 frames in training.")
    ] = "open",
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="demo, hdtf, voxceleb2 or folder.")] = "demo",
    data_root: Annotated[Path | None, typer.Option(help="Folder with the footage (demo needs none).")] = None,
    split: Annotated[str, typer.Option(help="test, train, all, or auto.")] = "train",
    limit: Annotated[int | None, typer.Option(help="Use at most this many clips.", min=2)] = None,
    steps: Annotated[int, typer.Option(help="Optimizer steps.", min=1)] = 3000,
    seed: Annotated[int, typer.Option(help="Seed of weights, order and augmentation.")] = 0,
    batch: Annotated[int, typer.Option(help="Clips in a step.", min=2)] = 16,
    learning_rate: Annotated[float, typer.Option(help="At its highest.", min=1e-7)] = 1e-3,
    bf16: Annotated[bool, typer.Option(help="Half-precision arithmetic, where the processor has it.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, or auto.")] = "auto",
) -> None:
    """Train the open SyncNet (OUT/open_syncnet.safetensors) or the sync expert (OUT/sync_expert.safetensors).

    OUT/curve.csv has the losses. The expert learns from true windows, the same clip shifted by two frames or more, and
    other clips; it never measures. The same clips, options and device give the same weights, interrupted or not.
    """
    from harness.device import pick_device
    from harness.plugins import TRAINERS
    from harness.progress import stage

    if network not in TRAINER_NAMES:
        raise typer.BadParameter(f"{network!r} is neither {' nor '.join(TRAINER_NAMES)}", param_hint="--network")
    chosen = pick_device(device)
    clips = _prepared(dataset, data_root, split, limit)
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


def _prepared(dataset: str, data_root: Path | None, split: str, limit: int | None) -> Sequence[PreparedClip]:
    """The dataset's clips in canonical form; those that cannot be prepared are named and left out."""
    from harness.pipeline import prepare_all
    from harness.select import select_clips
    from harness.spec import make_spec
    from harness.store import Store

    asked = {"models": ("ground-truth",), "dataset": dataset, "data_root": data_root, "split": split, "limit": limit}
    spec = make_spec({key: value for key, value in asked.items() if value is not None})
    found = select_clips(spec)
    for notice in found.notices:
        print(notice, file=sys.stderr)
    prepared = prepare_all(found.clips, spec.size, Store())
    for name, error in prepared.failures.items():
        print(f"left out {name}: {error}", file=sys.stderr)
    return list(prepared.clips.values())
