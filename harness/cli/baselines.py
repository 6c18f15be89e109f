"""`bench baselines`: external models, which are run as their authors wrote them."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from bench_lipsync.harness.cli import _options as options

baselines_app = typer.Typer(
    help="External models: list them, set one up, see what it lacks.",
    epilog="Example: bench baselines setup sadtalker --repo ~/SadTalker --python ~/envs/sadtalker/bin/python",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_LIST = "bench baselines list"
_SETUP = "bench baselines setup wav2lip-original --repo ~/Wav2Lip --weights ~/weights --python ~/envs/w2l/bin/python"
_NAME = typer.Argument(help="A name of `bench baselines list`, or a description file (.yaml).")
_MARKS = {"ok": ("ok", "green"), "note": ("note", "yellow"), "missing": ("!!", "bold red")}


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    app.add_typer(baselines_app, name="baselines")


@baselines_app.command("list", epilog=f"Example: {_LIST}")
def list_models(as_json: options.Json = False) -> None:
    """Every external model with its licence, and whether it is set up here."""
    from bench_lipsync.baselines.external.catalogue import names
    from bench_lipsync.baselines.external.doctor import overview
    from bench_lipsync.harness.util.paths import cache_dir

    cache_dir()  # Where it is not known, this is said once and not of every model.
    rows = [overview(name) for name in names()]
    if as_json:
        typer.echo(json.dumps([row._asdict() for row in rows], indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("name", "model", "licence", "run for real", "here", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for row in rows:
        cells = (row.name, row.title, row.licence, row.verified or "never", row.state)
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)
    typer.echo("what one lacks, and how to get it: bench baselines doctor NAME")


@baselines_app.command(epilog="Example: bench baselines show sadtalker")
def show(name: Annotated[str, _NAME], as_json: options.Json = False) -> None:
    """What is written down about a model, and where it is on this machine."""
    from bench_lipsync.baselines.external.catalogue import load
    from bench_lipsync.baselines.external.installation import read_installation

    description = load(name)
    installation = read_installation(description.name)
    facts = {
        "description": description.model_dump(mode="json", exclude_defaults=True),
        "installation": installation.model_dump(mode="json") if installation else None,
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    import yaml

    typer.echo(yaml.safe_dump(facts, sort_keys=False, allow_unicode=True, width=110).rstrip())


@baselines_app.command(epilog=f"Example: {_SETUP}")
def setup(
    name: Annotated[str, _NAME],
    repo: Annotated[str, typer.Option(help="Folder of the clone, or an https address to fetch it from.")] = "",
    weights: Annotated[str, typer.Option(help="Folder in which the weights lie.")] = "",
    python: Annotated[str, typer.Option(help="An interpreter that has what the model needs.")] = "",
    uv: Annotated[bool, typer.Option("--uv", help="Make an environment with uv.")] = False,
    conda: Annotated[str, typer.Option(help="Prefix of a conda environment, or `create` to make one.")] = "",
    docker: Annotated[str, typer.Option(help="A docker image, or `build` to make one.")] = "",
) -> None:
    """Say where a model's clone, weights and environment are; what is not given stays as it was."""
    from bench_lipsync.baselines.external.setup import SetupRequest, set_up

    request = SetupRequest(repo=repo, weights=weights, python=python, uv=uv, conda=conda, docker=docker)
    set_up(name, request, typer.echo)
    doctor(name)


@baselines_app.command(epilog="Example: bench baselines doctor sadtalker")
def doctor(name: Annotated[str, _NAME], as_json: options.Json = False) -> None:
    """Say what a model still lacks, with the commands that fix it; exit code 1 if it cannot run."""
    from bench_lipsync.baselines.external.doctor import examine

    checks = examine(name)
    lacking = any(check.state == "missing" for check in checks)
    if as_json:
        typer.echo(json.dumps([check._asdict() for check in checks], indent=2))
        raise typer.Exit(1 if lacking else 0)
    from rich.console import Console
    from rich.text import Text

    console = Console()
    for check in checks:
        mark, style = _MARKS[check.state]
        console.print(Text(f"{mark:5}", style=style) + Text(f"{check.name}: {check.detail}"), soft_wrap=True)
        if check.fix:
            console.print(Text(f"        {check.fix}"), soft_wrap=True)
    ready = f"ready: bench run --model {name if '/' not in name and '.yaml' not in name else f'external:{name}'}"
    console.print(Text("it cannot run yet" if lacking else f"{ready} --dataset demo"))
    raise typer.Exit(1 if lacking else 0)
