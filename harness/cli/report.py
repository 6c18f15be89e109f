"""`bench report`, `bench table` and `bench export`: pages, tables and files from run folders that already exist."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench_lipsync.harness.cli import _options as options
from bench_lipsync.harness.errors import BenchError

_REPORT = """Examples:

bench report runs/demo-1a2b3c4d runs/demo-5e6f7a8b --out both.html

bench report runs/voxceleb2-1a2b3c4d --clip id00017-abc-00001 --clip id00017-abc-00002 --out two.html"""
_TABLE = """Examples:

bench table runs/demo-1a2b3c4d --format latex > table.tex

bench table runs/demo-1a2b3c4d -f latex --columns LSE-C,FID,SSIM --rows models,ground-truth --caption "Ours and theirs"
"""
_EXPORT = """Examples:

bench export runs/demo-1a2b3c4d --format parquet --out results.parquet

bench export runs/before runs/after --format csv --out results.csv

bench export runs/demo-1a2b3c4d --format tensorboard --out boards"""


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("report", epilog=_REPORT)(report)
    app.command("table", epilog=_TABLE)(table)
    app.command("export", epilog=_EXPORT)(export)


def report(
    runs: options.Runs,
    out: Annotated[Path | None, typer.Option(help="Page to write. Default for one run: RUN/report.html.")] = None,
    embed: Annotated[
        bool, typer.Option("--embed", help="Put the previews into the page: one file, instead of a folder beside it.")
    ] = False,
    clip: Annotated[
        list[str] | None, typer.Option(help="Show this clip; repeatable. Default: all, of a large run some.")
    ] = None,
) -> None:
    """Write a page with the results of one or several runs over the same clips, side by side."""
    from bench_lipsync.reports.page.write import write_page

    if out is None and len(runs) > 1:
        raise BenchError("several runs need --out, for example: bench report RUN1 RUN2 --out both.html")
    target = out or runs[0] / "report.html"
    typer.echo(str(write_page(runs, target, embed=embed, clips=clip or ())))


def table(
    runs: options.Runs,
    format: Annotated[
        Literal["text", "markdown", "latex", "csv", "json"],
        typer.Option("--format", "-f", help="Format of the table; csv and json are not rounded."),
    ] = "text",
    out: options.OutFile = None,
    rows: Annotated[
        str | None, typer.Option(help="Rows in this order, with commas; `models` and `bounds` are groups.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Metrics in this order, with commas: LSE-C,FID or LSE-C[open-syncnet].")
    ] = None,
    intervals: Annotated[bool, typer.Option(help="95% intervals.")] = True,
    gaps: Annotated[bool, typer.Option(help="Distances from the ground truth's value.")] = True,
    digits: Annotated[str | None, typer.Option(help="Decimals: 2, or FID=1,SSIM=3.")] = None,
    caption: Annotated[
        str | None, typer.Option(help="Caption; data, protocol and signatures are added. In LaTeX a whole `table`.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="LaTeX label, for example tab:results.")] = None,
    signatures: Annotated[bool, typer.Option(help="Signatures under a Markdown table or a caption.")] = True,
) -> None:
    """Print the results of one or several runs over the same clips as one table."""
    from bench_lipsync.reports.table.console import print_result
    from bench_lipsync.reports.table.options import TableOptions, parse_digits
    from bench_lipsync.reports.table.render import render_table

    wanted = TableOptions(
        rows=options.words(rows),
        columns=options.words(columns),
        intervals=intervals,
        gaps=gaps,
        digits=parse_digits(digits) if digits else {},
        caption=caption,
        label=label,
        signatures=signatures,
    )
    if format == "text" and out is None and wanted == TableOptions(signatures=signatures):
        print_result(runs)  # On a terminal in colour and in its width.
        return
    write_or_print(render_table(runs, format, wanted), out)


def export(
    runs: options.Runs,
    out: Annotated[Path, typer.Option(help="File (parquet, csv) or folder (the others) to write.")],
    format: Annotated[
        Literal["parquet", "csv", "tensorboard", "wandb", "mlflow"],
        typer.Option("--format", "-f", help="A long table (parquet, csv), or an experiment tracker."),
    ] = "parquet",
) -> None:
    """Write runs as one long table (a line for every clip and metric), or as runs of an experiment tracker.

    Trackers must be installed; they get files on this disk and nothing is sent anywhere.
    """
    from bench_lipsync.harness.export.formats import export as write

    typer.echo(str(write(runs, format, out)))


def write_or_print(text: str, out: Path | None) -> None:
    """Print `text`, or write it to `out` and print the file's name."""
    if out is None:
        typer.echo(text, nl=False)
        return
    from bench_lipsync.harness.util.files import write_text_atomically

    typer.echo(str(write_text_atomically(out, text)))
