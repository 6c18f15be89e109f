"""`bench merge`: the whole of a run that was done in parts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLES = """Example:

bench run --model stylelipsync --dataset demo --shard 1/2 --out parts/1

bench run --model stylelipsync --dataset demo --shard 2/2 --out parts/2

bench merge parts/1 parts/2 --out runs/demo"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("merge", epilog=_EXAMPLES)(merge)


def merge(
    parts: Annotated[list[Path], typer.Argument(help="Folders of all parts, in any order.")],
    out: Annotated[Path | None, typer.Option(help="Run folder. Default: the parts' name without the number.")] = None,
    report: Annotated[bool, typer.Option(help="Write report.html.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json instead of the table.")] = False,
) -> None:
    """Put together the parts that `bench run --shard` made; the result is that of one run without parts.

    Nothing is computed again but the averages, so it takes no GPU, and neither footage nor weights of models.
    """
    from bench_lipsync.harness.cli.run import exit_code, page_writer, settle_libraries, show

    settle_libraries()
    from bench_lipsync.harness.run.shards import merge as put_together
    from bench_lipsync.harness.run.spec import make_spec

    outcome = put_together(parts, out, report=page_writer(report))
    show(outcome, as_json)
    raise typer.Exit(exit_code(outcome, make_spec(outcome.result.spec)))
