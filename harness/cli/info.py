"""`bench doctor` and `bench list`: what can be computed here, and the names that other commands take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from bench_lipsync.harness.cli import _options as options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench_lipsync.harness.doctor.findings import Diagnosis, Finding, State

_MARKS = {"ok": "ok", "fetch": "fetch", "note": "note", "missing": "--", "broken": "!!"}
_STYLES = {"ok": "green", "fetch": "cyan", "note": "yellow", "missing": "yellow", "broken": "bold red"}


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("doctor", epilog="Example: bench doctor --json")(doctor)
    app.command("list", epilog="Example: bench list models")(list_names)
    task = typer.Typer(
        help="Named evaluation tasks: what they fix, and what was published.",
        epilog="Example: bench task show stylelipsync/hdtf-cross",
        no_args_is_help=True,
    )
    task.callback()(lambda: None)
    task.command("show", epilog="Example: bench task show stylelipsync/hdtf-cross")(show_task)
    app.add_typer(task, name="task")


def doctor(as_json: options.Json = False) -> None:
    """Say what can and cannot be computed here and how to fix it; exit code 1 if the default run does not work."""
    from bench_lipsync.harness.doctor.examine import examine

    diagnosis = examine()
    if as_json:
        typer.echo(json.dumps(diagnosis.as_json(), indent=2))
    else:
        _show(diagnosis)
    raise typer.Exit(0 if diagnosis.default_run_works else 1)


def _show(diagnosis: Diagnosis) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from bench_lipsync.harness.doctor.findings import DEFAULT_RUN

    console = Console()
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for row in _rows(diagnosis.findings):
        # As text: `LSE-C[...]` is no markup.
        table.add_row(
            Text(row.section, style="bold"), Text(_MARKS[row.state], style=_STYLES[row.state]), Text(row.text)
        )
    console.print(table)
    if any(item.section == "assets" and item.state == "fetch" for item in diagnosis.findings):
        console.print(
            Text("\nfetch: comes by itself when first needed, or now with: bench assets fetch NAME, or --all")
        )
    if diagnosis.default_run_works:
        console.print(Text(f"\nThe default run works here: {DEFAULT_RUN}", style="green"))
    else:
        console.print(Text(f"\nThe default run does not work here: {DEFAULT_RUN}", style="bold red"))
        for item in diagnosis.obstacles:
            console.print(Text(f"  {item.name}: {item.detail}" + (f"\n    {item.fix}" if item.fix else "")))


class _Row(NamedTuple):
    section: str
    """Empty where it is the row before's."""
    state: State
    text: str


def _rows(findings: Iterable[Finding]) -> list[_Row]:
    """Metrics and models that stand alike share a row, and leave it to the assets' rows to say what helps."""
    texts: dict[tuple[str, State, str], str] = {}
    for item in findings:
        if item.section in ("metrics", "models"):
            alike = (item.section, item.state, item.detail)
            texts[alike] = f"{texts[alike]}, {item.name}" if alike in texts else item.name
        else:
            # What comes by itself has a line of its own below the table.
            fix = f"\n{'':16}{item.fix}" if item.fix and item.state != "fetch" else ""
            texts[item.section, item.state, item.name] = f"{item.name:15} {item.detail}{fix}"
    rows: list[_Row] = []
    before = ""
    for (section, state, key), text in texts.items():  # in the order in which they were found
        shared = section in ("metrics", "models") and key
        rows.append(_Row(section if section != before else "", state, f"{text}: {key}" if shared else text))
        before = section
    return rows


def list_names(
    what: Annotated[
        Literal["models", "datasets", "metrics", "tasks"], typer.Argument(help="What to list.", show_default=False)
    ],
    as_json: options.Json = False,
) -> None:
    """List the names that the other commands take."""
    from bench_lipsync.harness.registry.metric_names import ALIASES, metric_names
    from bench_lipsync.harness.registry.plugins import DATASETS, MODELS
    from bench_lipsync.harness.tasks import task_names

    # Scorers are asked for their metrics, which imports them all.
    listed = {
        "models": MODELS.names,
        "datasets": DATASETS.names,
        "metrics": lambda: list(metric_names().words),
        "tasks": task_names,
    }
    names = listed[what]()
    aliases = [f"{alias} = {name}" for alias, name in ALIASES.items()] if what == "metrics" else []
    print(json.dumps(names) if as_json else "\n".join([*names, *aliases]))


def show_task(
    task: Annotated[str, typer.Argument(help="Name of a task, or a file (.yaml).", show_default=False)],
    as_json: options.Json = False,
) -> None:
    """Print the definition of a task: data, protocol, metrics and published values, as its YAML file has them."""
    from bench_lipsync.harness.tasks import find_task

    found = find_task(task)
    if as_json:
        print(found.model_dump_json(indent=1, exclude_defaults=True))
        return
    import yaml

    content = found.model_dump(mode="json", exclude_defaults=True)
    print(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), end="")
