"""`bench baseline`: a small reference file in the user's repository, for `bench compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    group = typer.Typer(
        epilog="Example: bench baseline save runs/demo-1a2b3c4d --out baseline.yaml",
        help="Keep a run's numbers as a small file, for `bench compare`.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("save", epilog="Example: bench baseline save runs/demo-1a2b3c4d --out baseline.yaml")(save)
    group.command("show", epilog="Example: bench baseline show baseline.yaml")(show)
    app.add_typer(group, name="baseline")


def save(
    run: Annotated[Path, typer.Argument(help="Run folder that `bench run` wrote.", show_default=False)],
    out: Annotated[Path, typer.Option(help="File to write (YAML).")],
    speed: Annotated[bool, typer.Option(help="Keep how long things took; they change with every run.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Also of a run in which clips failed.")] = False,
) -> None:
    """Write a run's values, signatures, clips and people's parts; sorted, so that a change can be read in a diff."""
    from bench_lipsync.harness.errors import BenchError
    from bench_lipsync.harness.gate.baseline_file import save_baseline
    from bench_lipsync.harness.results.schema import read_result

    result = read_result(run)
    if result.failures and not force:
        first = result.failures[0]
        raise BenchError(
            f"{len(result.failures)} (model, clip) pairs of {run} failed, so it is a poor reference "
            f"({first.model} on {first.clip}: {first.reason}); --force saves it all the same"
        )
    typer.echo(str(save_baseline(result, out, speed=speed)))


def show(
    baseline: Annotated[Path, typer.Argument(help="Baseline file, or a run folder.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what a baseline holds."""
    from bench_lipsync.harness.gate.baseline_file import open_reference
    from bench_lipsync.reports.gate.baseline import print_baseline

    found = open_reference(baseline)
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json"), indent=1))
    else:
        print_baseline(found)
