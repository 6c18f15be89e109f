"""`bench convert`: networks from elsewhere into files of this project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    group = typer.Typer(
        epilog="Example: bench convert stylegan2 ffhq-res256-mirror-paper256-noaug.pkl --out prior.safetensors",
        help="Convert published networks; pickles are taken apart, never executed.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.callback()(_group)
    group.command(
        "stylegan2",
        epilog="Example: bench convert stylegan2 ffhq-res256-mirror-paper256-noaug.pkl --out prior.safetensors",
    )(convert_stylegan2)
    app.add_typer(group, name="convert")


def _group() -> None:
    """Convert published networks; pickles are taken apart, never executed."""


def convert_stylegan2(
    network: Annotated[Path, typer.Argument(help="Network pickle (.pkl) or state dict (.pth, .pt, .safetensors).")],
    out: Annotated[Path, typer.Option(help="Prior file to write (.safetensors).")],
    preset: Annotated[
        str, typer.Option(help="Sizes that the network must have: published (256 px) or demo (128 px).")
    ] = "published",
) -> None:
    """Make a prior of a StyleGAN2-ADA generator: what `bench train stylelipsync --init` begins from."""
    from bench_lipsync.harness.results.output_guard import check_out_file
    from bench_lipsync.models.stylegan2.convert import run

    check_out_file(out, [network])
    print(f"prior: {run(network, out, preset)}")
