"""`bench report`, `table`, `export` and `study`: pages, tables, files and user studies from existing run folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench_lipsync.harness.cli import _options as options
from bench_lipsync.harness.errors import BenchError

_REPORT = """Examples:

bench report runs/demo-1a2b3c4d runs/demo-5e6f7a8b --out both.html

bench report runs/hdtf-1a2b3c4d runs/voxceleb2-5e6f7a8b --by-task --out reproduction.html

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
    study = typer.Typer(
        help="User study on the videos of a run: make the page, score the answers.", no_args_is_help=True
    )
    study.command("make", epilog="Example: bench study make runs/demo-1a2b3c4d --out study")(study_make)
    study.command("score", epilog="Example: bench study score answers/*.json --key study/key.json -f latex")(
        study_score
    )
    app.add_typer(study, name="study")


def report(
    runs: options.Runs,
    out: Annotated[Path | None, typer.Option(help="Page to write. Default for one run: RUN/report.html.")] = None,
    embed: Annotated[
        bool, typer.Option("--embed", help="Put the previews into the page: one file, instead of a folder beside it.")
    ] = False,
    clip: Annotated[
        list[str] | None, typer.Option(help="Show this clip; repeatable. Default: all, of a large run some.")
    ] = None,
    by_task: Annotated[
        bool,
        typer.Option(
            "--by-task", help="All named tasks, with published values beside those of the runs, of any clips."
        ),
    ] = False,
) -> None:
    """Write a page with the results of one or several runs over the same clips, side by side."""
    from bench_lipsync.harness.results.output_guard import PAGE_FILE, check_out_file
    from bench_lipsync.reports.page.write import write_page

    if out is None and (len(runs) > 1 or by_task):
        raise BenchError("several runs need --out, for example: bench report RUN1 RUN2 --out both.html")
    target = out or runs[0] / PAGE_FILE
    check_out_file(target, own=(PAGE_FILE,))
    if by_task:
        from bench_lipsync.reports.page.reproduction import write_reproduction

        typer.echo(str(write_reproduction(runs, target)))
        return
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
    from bench_lipsync.harness.results.output_guard import check_out_file
    from bench_lipsync.reports.table.console import print_result
    from bench_lipsync.reports.table.options import TableOptions, parse_digits
    from bench_lipsync.reports.table.render import render_table

    if out is not None:
        check_out_file(out)
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
    _write_or_print(render_table(runs, format, wanted), out)


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
    from bench_lipsync.harness.results.output_guard import check_out_file, check_out_folder

    if format in ("parquet", "csv"):
        check_out_file(out)
    else:
        check_out_folder(out, "export", {f"the run {run.name}:": run for run in runs})
    typer.echo(str(write(runs, format, out)))


def study_make(
    runs: options.Runs,
    out: Annotated[Path, typer.Option(help="Folder to write: page/ goes to the raters, key.json stays with you.")],
    clips: Annotated[int | None, typer.Option(help="At most this many clips; other speakers first.", min=1)] = None,
    ratings: Annotated[int, typer.Option(help="Videos that one rater scores, drawn anew for each.", min=0)] = 20,
    pairs: Annotated[int, typer.Option(help="Pairs that one rater compares, drawn anew for each.", min=0)] = 20,
    checks: Annotated[int, typer.Option(help="Attention checks of each of the two kinds.", min=0)] = 2,
    seed: Annotated[int, typer.Option(help="Seed of the order of the videos.")] = 0,
) -> None:
    """Write a page with blinded questions about a run's videos; it works offline and saves answers as a file."""
    from bench_lipsync.harness.results.output_guard import check_out_folder
    from bench_lipsync.reports.study.make import make_study

    check_out_folder(out, "study", {f"the run {run.name}:": run for run in runs})
    page = make_study(runs, out, clips=clips, ratings=ratings, pairs=pairs, checks=checks, seed=seed)
    typer.echo(f"send to the raters: {page.parent}\nkeep to yourself:   {out / 'key.json'}")


def study_score(
    answers: Annotated[list[Path], typer.Argument(help="Files that raters saved.", show_default=False)],
    key: Annotated[Path, typer.Option(help="The study's key.json.")],
    format: Annotated[
        Literal["text", "markdown", "latex", "json"], typer.Option("--format", "-f", help="Format of the tables.")
    ] = "text",
    keep_failed: Annotated[bool, typer.Option(help="Count raters who failed a check too.")] = False,
    out: options.OutFile = None,
) -> None:
    """Opinion scores and preferences with confidence intervals, and the agreement between raters."""
    from bench_lipsync.harness.results.output_guard import check_out_file
    from bench_lipsync.reports.study.score import score_files

    if out is not None:
        check_out_file(out, [*answers, key])
    _write_or_print(score_files(answers, key, format, keep_failed), out)


def _write_or_print(text: str, out: Path | None) -> None:
    """Print `text`, or write it to `out` and print the file's name."""
    if out is None:
        typer.echo(text, nl=False)
        return
    from bench_lipsync.harness.util.files import write_text_atomically

    typer.echo(str(write_text_atomically(out, text)))
