"""`bench study`: a user study on the videos of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench_lipsync.harness.cli import _options as options
from bench_lipsync.harness.cli.report import write_or_print


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    study = typer.Typer(
        help="User study on the videos of a run: make the page, score the answers.", no_args_is_help=True
    )
    study.command("make", epilog="Example: bench study make runs/demo-1a2b3c4d --out study")(make)
    study.command("score", epilog="Example: bench study score answers/*.json --key study/key.json -f latex")(score)
    app.add_typer(study, name="study")


def make(
    runs: options.Runs,
    out: Annotated[Path, typer.Option(help="Folder to write: page/ goes to the raters, key.json stays with you.")],
    clips: Annotated[int | None, typer.Option(help="At most this many clips; other speakers first.", min=1)] = None,
    ratings: Annotated[int, typer.Option(help="Videos that one rater scores, drawn anew for each.", min=0)] = 20,
    pairs: Annotated[int, typer.Option(help="Pairs that one rater compares, drawn anew for each.", min=0)] = 20,
    checks: Annotated[int, typer.Option(help="Attention checks of each of the two kinds.", min=0)] = 2,
    seed: Annotated[int, typer.Option(help="Seed of the order of the videos.")] = 0,
) -> None:
    """Write a page with blinded questions about a run's videos; it works offline and saves answers as a file."""
    from bench_lipsync.reports.study.make import make_study

    page = make_study(runs, out, clips=clips, ratings=ratings, pairs=pairs, checks=checks, seed=seed)
    typer.echo(f"send to the raters: {page.parent}\nkeep to yourself:   {out / 'key.json'}")


def score(
    answers: Annotated[list[Path], typer.Argument(help="Files that raters saved.", show_default=False)],
    key: Annotated[Path, typer.Option(help="The study's key.json.")],
    format: Annotated[
        Literal["text", "markdown", "latex", "json"], typer.Option("--format", "-f", help="Format of the tables.")
    ] = "text",
    keep_failed: Annotated[bool, typer.Option(help="Count raters who failed a check too.")] = False,
    out: options.OutFile = None,
) -> None:
    """Opinion scores and preferences with confidence intervals, and the agreement between raters."""
    from bench_lipsync.reports.study.score import score_files

    write_or_print(score_files(answers, key, format, keep_failed), out)
