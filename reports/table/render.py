"""Results tables as text, Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.schema import MetricRow
from bench_lipsync.harness.util.sanitize import printable
from bench_lipsync.reports.escape import markdown as _md
from bench_lipsync.reports.table.grid import make_grid
from bench_lipsync.reports.table.latex import latex_table
from bench_lipsync.reports.table.loading import Run, Source, load_runs, protocol
from bench_lipsync.reports.table.model import Cell, Grid, PublishedRow
from bench_lipsync.reports.table.options import TableOptions, choose
from bench_lipsync.reports.table.remarks import remarks


def render_table(runs: Source | Iterable[Source], format: str = "text", options: TableOptions | None = None) -> str:
    """Render the results table.

    Args:
        runs: Run folders, or results in memory, over the same clips.
        format: A key of `FORMATS`: `text`, `markdown`, `latex`, `csv` or `json` (the last two unrounded).
        options: Selection of rows and columns, digits, caption; default: everything.

    Returns:
        The table as text.

    Raises:
        BenchError: The format is unknown, or a folder holds no run.
        ComparisonError: The runs have different clips, or a metric has two signatures.

    """
    render = FORMATS.get(format)
    if render is None:
        raise BenchError(f"no table format is called {format!r}; known: {', '.join(FORMATS)}")
    loaded = load_runs(runs)
    options = options or TableOptions()
    return render(loaded, choose(make_grid(loaded), options), options)


def _text(runs: list[Run], grid: Grid, options: TableOptions) -> str:
    from bench_lipsync.reports.table.console import plain_text

    caption = f"{printable(options.caption)}\n" if options.caption else ""
    return caption + plain_text(runs, grid)


def _markdown(runs: list[Run], grid: Grid, options: TableOptions) -> str:
    head = ["Model", *(f"{_md(c.name)} {c.arrow}<br>{_md(c.detail)}".replace(" <br>", "<br>") for c in grid.columns)]
    lines = [f"**{_md(options.caption)}**", ""] if options.caption else []
    lines += [_line([*head, "Clips"]), _line([":---", *["---:"] * (len(grid.columns) + 1)])]
    for row in grid.rows:
        label = f"*{_md(row.label)}*" if row.bound else _md(row.label)
        lines.append(_line([label, *(_md_cell(cell) for cell in row.cells), row.coverage]))
    lines += [_line([f"{_md(published.label)} (published)", *published.values, ""]) for published in grid.published]
    lines += ["", f"*{_legend(grid, options)}*"] if grid.rows else []
    lines += ["", _md(protocol(runs))] if options.caption else []
    below = [f"<sup>{mark}</sup> {_md(text)}" for mark, text in grid.footnotes]
    below += [_md(grid.published_note)] if grid.published else []
    below += [f"Not measured: {_md(columns)} ({_md(reason)})" for columns, reason in grid.unmeasured]
    below += [_md(text) for text in remarks(grid)]
    signatures = grid.signatures if options.signatures else ()
    below += [f"`{printable(signature).replace('`', '')}`" for signature in signatures]
    return "\n".join(lines + [f"\n{text}" if not text.startswith("`") else f"- {text}" for text in below]) + "\n"


def _legend(grid: Grid, options: TableOptions) -> str:
    legend = "Rows in italics are bounds." + (" Brackets: 95% interval over identities." if options.intervals else "")
    if grid.has_gaps:
        legend += " Δ: distance from the ground truth's value."
    if grid.verdicts.test_note:
        legend += f" Bold is best, underlined is second; {_md(grid.verdicts.test_note)}."
    return legend


def _md_cell(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.best else f"<u>{cell.text}</u>" if cell.second else cell.text
    marks = f"<sup>{','.join(cell.marks)}</sup>" if cell.marks else ""
    return text + marks + "".join(f" {part}" for part in (cell.interval, cell.gap and f"Δ{cell.gap}") if part)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _csv(runs: list[Run], grid: Grid, options: TableOptions) -> str:
    """Every metric row in full precision, unavailable ones included: for programs, so nothing is rounded or folded."""
    stream = io.StringIO()
    fields = ["run", *(name for name in MetricRow.model_fields if name not in MetricRow.FOR_TESTS)]
    writer = csv.DictWriter(stream, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {"run": run.label, **{field: _inert(getattr(row, field)) for field in fields[1:]}}
        for run in runs
        for row in _chosen(run, grid, options)
    )
    return stream.getvalue()


def _chosen(run: Run, grid: Grid, options: TableOptions) -> list[MetricRow]:
    """Rows of `run.json` that were asked for; all of them, unmeasured columns included, where nothing was."""
    models, columns = {row.model for row in grid.rows}, {column.key for column in grid.columns}
    return [
        row
        for row in run.result.metrics
        if (not options.rows or row.model in models) and (not options.columns or row.column in columns)
    ]


def _inert(value: object) -> object:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _json(runs: list[Run], grid: Grid, options: TableOptions) -> str:
    data = {
        "runs": [
            {
                "label": run.label,
                "spec_hash": run.result.spec_hash,
                "status": run.result.status,
                "metrics": [row.model_dump(mode="json") for row in _chosen(run, grid, options)],
            }
            for run in runs
        ],
        "tests": [test.model_dump(mode="json") for test in grid.verdicts.tests],
        "task": grid.task,
        "published": [{"label": row.label, "values": dict(_named(grid, row))} for row in grid.published],
        "published_note": grid.published_note,
        "signatures": {column.key: column.signature for column in grid.columns},
        "remarks": remarks(grid),
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _named(grid: Grid, row: PublishedRow) -> Iterator[tuple[str, float]]:
    for column, value in zip(grid.columns, row.values, strict=True):
        if value:
            yield column.key, float(value)


FORMATS: dict[str, Callable[[list[Run], Grid, TableOptions], str]] = {
    "text": _text,
    "markdown": _markdown,
    "latex": lambda runs, grid, options: latex_table(grid, remarks(grid), options, protocol(runs)),
    "csv": _csv,
    "json": _json,
}
"""Table formats by name."""
