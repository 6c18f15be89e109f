"""`bench train`: networks of this project, trained from prepared clips."""

from __future__ import annotations

import importlib

import typer

TARGETS = ("stylelipsync", "stylegan2", "syncnet", "wav2lip")


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    group = typer.Typer(
        epilog="Example: bench train syncnet --dataset demo --split train --out work/syncnet",
        help="Train the networks of this project; every run can be interrupted and goes on where it stopped.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for target in TARGETS:
        importlib.import_module(f"bench_lipsync.harness.cli.train_{target}").register(group)
    app.add_typer(group, name="train")
