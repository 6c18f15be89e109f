"""`bench export`: results for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLES = """Examples:

bench export runs/demo-1a2b3c4d --format parquet --out results.parquet

bench export runs/before runs/after --format csv --out results.csv

bench export runs/demo-1a2b3c4d --format tensorboard --out boards"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("export", epilog=_EXAMPLES)(export)


def export(
    runs: Annotated[list[Path], typer.Argument(help="Run folders that `bench run` wrote.", show_default=False)],
    out: Annotated[Path, typer.Option(help="File (parquet, csv) or folder (the others) to write.")],
    format: Annotated[
        str, typer.Option("--format", "-f", help="parquet, csv, tensorboard, wandb or mlflow.")
    ] = "parquet",
) -> None:
    """Write runs as one long table (a line for every clip and metric), or as runs of an experiment tracker.

    Trackers must be installed; they get files on this disk and nothing is sent anywhere.
    """
    from bench_lipsync.harness.export.formats import export as write

    typer.echo(str(write(runs, format, out)))
