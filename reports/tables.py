"""Results tables as text, Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable

from harness.results import MetricRow
from harness.status import BenchError
from reports.grid import Cell, Grid, make_grid
from reports.latex import latex_table
from reports.remarks import remarks
from reports.runs import Run, Source, load_runs
from reports.text import markdown as _md
from reports.text import visible


def render_table(runs: Source | Iterable[Source], format: str = "text") -> str:
    """The table of one or several run folders in `format`, one of `FORMATS`.

    Raises `BenchError` for an unknown format or a folder without a run, `ComparisonError` for runs that saw different
    clips or a metric that comes with two signatures.
    """
    render = FORMATS.get(format)
    if render is None:
        raise BenchError(f"no table format is called {format!r}; known: {', '.join(FORMATS)}")
    loaded = load_runs(runs)
    return render(loaded, make_grid(loaded))


def _text(runs: list[Run], grid: Grid) -> str:
    from reports.console import plain_text

    return plain_text(runs, grid)


def _markdown(runs: list[Run], grid: Grid) -> str:
    head = ["Model", *(f"{_md(c.name)} {c.arrow}<br>{_md(c.detail)}".replace(" <br>", "<br>") for c in grid.columns)]
    lines = [_line([*head, "Clips"]), _line([":---", *["---:"] * (len(grid.columns) + 1)])]
    for row in grid.rows:
        label = f"*{_md(row.label)}*" if row.bound else _md(row.label)
        lines.append(_line([label, *(_md_cell(cell) for cell in row.cells), row.coverage]))
    lines += ["", f"*{_legend(grid)}*"] if grid.rows else []
    below = [f"<sup>{mark}</sup> {_md(text)}" for mark, text in grid.footnotes]
    below += [f"Not measured: {_md(columns)} ({_md(reason)})" for columns, reason in grid.unmeasured]
    below += [_md(text) for text in remarks(grid)]
    below += [f"`{visible(signature).replace('`', '')}`" for signature in grid.signatures]
    return "\n".join(lines + [f"\n{text}" if not text.startswith("`") else f"- {text}" for text in below]) + "\n"


def _legend(grid: Grid) -> str:
    said = "Rows in italics are bounds. Brackets: 95% interval over identities."
    if grid.has_gaps:
        said += " Δ: distance from the ground truth's value."
    if grid.verdicts.said:
        said += f" Bold is best, underlined is second; {_md(grid.verdicts.said)}."
    return said


def _md_cell(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.best else f"<u>{cell.text}</u>" if cell.second else cell.text
    marks = f"<sup>{','.join(cell.marks)}</sup>" if cell.marks else ""
    return text + marks + "".join(f" {part}" for part in (cell.interval, cell.gap and f"Δ{cell.gap}") if part)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _csv(runs: list[Run], grid: Grid) -> str:
    """Every metric row in full precision, unavailable ones included: for programs, so nothing is rounded or folded."""
    stream = io.StringIO()
    fields = ["run", *(name for name in MetricRow.model_fields if name != "people")]
    writer = csv.DictWriter(stream, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {"run": run.label, **{key: _inert(value) for key, value in row.model_dump(exclude={"people"}).items()}}
        for run in runs
        for row in run.result.metrics
    )
    return stream.getvalue()


def _inert(value: object) -> object:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _json(runs: list[Run], grid: Grid) -> str:
    data = {
        "runs": [
            {
                "label": run.label,
                "spec_hash": run.result.spec_hash,
                "status": run.result.status,
                "metrics": [row.model_dump(mode="json") for row in run.result.metrics],
            }
            for run in runs
        ],
        "tests": [test.model_dump(mode="json") for test in grid.verdicts.tests],
        "signatures": {column.key: column.signature for column in grid.columns},
        "remarks": remarks(grid),
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[list[Run], Grid], str]] = {
    "text": _text,
    "markdown": _markdown,
    "latex": lambda runs, grid: latex_table(grid, remarks(grid)),
    "csv": _csv,
    "json": _json,
}
"""Table formats by name."""
