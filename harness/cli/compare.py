"""`bench compare`: the regression gate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

_EXAMPLES = """Examples:

bench compare baseline.yaml runs/demo-1a2b3c4d --gate gate.yaml --junit gate.xml --markdown gate.md

bench compare runs/before runs/after --pair stylelipsync=stylelipsync:new.safetensors"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("compare", epilog=_EXAMPLES)(compare)


def compare(
    base: Annotated[Path, typer.Argument(help="Baseline file or run folder to compare with.", show_default=False)],
    candidate: Annotated[Path, typer.Argument(help="Run folder (or file) to judge.", show_default=False)],
    gate: Annotated[Path | None, typer.Option(help="Tolerances (YAML). Default: those of docs/gate.md.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the verdicts as JUnit XML.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the verdicts as Markdown, for a pull request.")] = None,
    pair: Annotated[
        list[str] | None, typer.Option(help="BASE_ROW=CANDIDATE_ROW where names differ; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
) -> None:
    """Say whether a run is worse than a baseline, number by number.

    Exit code 0: no worse. 1: worse, slower, or something is missing. 2: the two must not be compared (other clips,
    specifications or signatures), or there is no baseline.
    """
    from bench_lipsync.harness.gate.baseline_file import open_reference
    from bench_lipsync.harness.gate.compare import compare as judge
    from bench_lipsync.harness.gate.rules import GateSpec, load_gate
    from bench_lipsync.harness.util.files import write_text_atomically
    from bench_lipsync.reports.gate.junit import gate_junit
    from bench_lipsync.reports.gate.text import gate_json, gate_markdown, print_gate

    rules = load_gate(gate) if gate else GateSpec()
    sides = open_reference(base), open_reference(candidate)
    names = (base.resolve().name, candidate.resolve().name)
    result = judge(*sides, rules, pairs=_pairs(pair or []), names=names)
    if as_json:
        typer.echo(gate_json(result), nl=False)
    else:
        print_gate(result)
    for path, render in ((junit, gate_junit), (markdown, gate_markdown)):
        if path is not None:
            print(write_text_atomically(path, render(result)), file=sys.stderr)
    raise typer.Exit(0 if result.passed else 1)


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        one, equals, two = text.partition("=")
        if not (one and equals and two):
            raise typer.BadParameter(f"{text!r} is not BASE_ROW=CANDIDATE_ROW", param_hint="--pair")
        pairs[one] = two
    return pairs
