"""`bench compare` and `bench baseline`: the regression gate and its small reference files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from bench_lipsync.harness.cli import _options as options
from bench_lipsync.harness.errors import BenchError

_COMPARE = """Examples:

bench compare baseline.yaml runs/demo-1a2b3c4d --gate gate.yaml --junit gate.xml --markdown gate.md

bench compare runs/before runs/after --pair stylelipsync=stylelipsync:new.safetensors"""
_SAVE = "Example: bench baseline save runs/demo-1a2b3c4d --out baseline.yaml"


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("compare", epilog=_COMPARE)(compare)
    group = typer.Typer(
        help="Keep a run's numbers as a small file, for `bench compare`.",
        epilog=_SAVE,
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("save", epilog=_SAVE)(save)
    group.command("show", epilog="Example: bench baseline show baseline.yaml")(show)
    app.add_typer(group, name="baseline")


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
    from bench_lipsync.harness.results.output_guard import check_out_file
    from bench_lipsync.harness.util.files import write_text_atomically
    from bench_lipsync.reports.gate.junit import gate_junit
    from bench_lipsync.reports.gate.text import gate_json, gate_markdown, print_gate

    reads = [base, candidate, *([gate] if gate else [])]
    written = {option: file for option, file in (("--junit", junit), ("--markdown", markdown)) if file is not None}
    for option, file in written.items():
        others = [other for name, other in written.items() if name != option]
        check_out_file(file, [*reads, *others], option)
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


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        base, equals, candidate = text.partition("=")
        if not (base and equals and candidate):
            raise typer.BadParameter(f"{text!r} is not BASE_ROW=CANDIDATE_ROW", param_hint="--pair")
        pairs[base] = candidate
    return pairs


def save(
    run: Annotated[Path, typer.Argument(help="Run folder that `bench run` wrote.", show_default=False)],
    out: Annotated[Path, typer.Option(help="File to write (YAML).")],
    speed: Annotated[bool, typer.Option(help="Keep durations; they change with every run.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Also if clips of the run failed.")] = False,
) -> None:
    """Write a run's values, signatures, clips and speakers' parts; sorted, so that a diff is readable."""
    from bench_lipsync.harness.gate.baseline_file import save_baseline
    from bench_lipsync.harness.results.output_guard import check_out_file
    from bench_lipsync.harness.results.schema import read_result

    check_out_file(out)
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
    as_json: options.Json = False,
) -> None:
    """Print the contents of a baseline."""
    from bench_lipsync.harness.gate.baseline_file import open_reference
    from bench_lipsync.reports.gate.text import print_baseline

    reference = open_reference(baseline)
    if as_json:
        typer.echo(json.dumps(reference.model_dump(mode="json"), indent=1))
    else:
        print_baseline(reference)
