"""`bench report` and `bench table`: pages and tables from run folders that already exist."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench_lipsync.harness.errors import BenchError

_REPORT = """Examples:

bench report runs/demo-1a2b3c4d runs/demo-5e6f7a8b --out both.html

bench report runs/voxceleb2-1a2b3c4d --clip id00017-abc-00001 --clip id00017-abc-00002 --out two.html"""
_TABLE = """Examples:

bench table runs/demo-1a2b3c4d --format latex > table.tex

bench table runs/demo-1a2b3c4d -f latex --columns LSE-C,FID,SSIM --rows models,ground-truth --caption "Ours and theirs"
"""
Runs = Annotated[list[Path], typer.Argument(help="Run folders that `bench run` wrote.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("report", epilog=_REPORT)(report)
    app.command("table", epilog=_TABLE)(table)


def report(
    runs: Runs,
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
    written = write_page(runs, target, embed=embed, clips=clip or ())
    typer.echo(str(written))


def table(
    runs: Runs,
    format: Annotated[
        str, typer.Option("--format", "-f", help="text, markdown, latex, csv or json (the last two unrounded).")
    ] = "text",
    out: Annotated[Path | None, typer.Option(help="File to write instead of printing.")] = None,
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
    from bench_lipsync.harness.util.files import write_text_atomically
    from bench_lipsync.reports.table.console import print_result
    from bench_lipsync.reports.table.options import TableOptions, parse_digits
    from bench_lipsync.reports.table.render import render_table

    plain = not (rows or columns or digits or caption or label) and intervals and gaps
    if format == "text" and out is None and plain:
        print_result(runs)
        return
    options = TableOptions(
        rows=_words(rows),
        columns=_words(columns),
        intervals=intervals,
        gaps=gaps,
        digits=parse_digits(digits) if digits else {},
        caption=caption,
        label=label,
        signatures=signatures,
    )
    text = render_table(runs, format, options)
    if out is None:
        typer.echo(text, nl=False)
    else:
        typer.echo(str(write_text_atomically(out, text)))


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())
