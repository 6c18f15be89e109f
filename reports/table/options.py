"""Selects rows, columns, digits and intervals of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bench_lipsync.harness.errors import BenchError, suggest
from bench_lipsync.harness.registry.metric_names import own_name
from bench_lipsync.reports.table.format import footnote_mark, format_interval, format_value
from bench_lipsync.reports.table.model import Cell, Column, Grid, Row
from bench_lipsync.reports.table.significance import mark_best

GROUPS = {"models": False, "bounds": True}
"""Words for rows, and whether they mean bounds."""


@dataclass(frozen=True)
class TableOptions:
    """Options of `bench table` beside the format."""

    rows: tuple[str, ...] = ()
    """Labels or models in the wanted order, `models`, `bounds`; all of them without any."""
    columns: tuple[str, ...] = ()
    """`NAME` or `NAME[variant]` in the wanted order."""
    intervals: bool = True
    gaps: bool = True
    """Whether distances from the ground truth are shown."""
    digits: Mapping[str, int] = field(default_factory=dict)
    """Decimals by `NAME` or `NAME[variant]`; `""` is for all others."""
    caption: str | None = None
    label: str | None = None
    signatures: bool = True


def choose(grid: Grid, options: TableOptions) -> Grid:
    """`grid` cut down; the best is that of the rows that are left, the tests' correction that of the whole table.

    Raises `BenchError` for a row or a column that the table does not have.
    """
    rows, places = _rows(grid, options.rows), _columns(grid, options.columns)
    columns = [_digits(grid.columns[place], options) for place in places]
    chosen = [replace(row, cells=tuple(row.cells[place] for place in places)) for row in rows]
    drawn = [_drawn(row, columns, options) for row in chosen]
    verdicts = grid.verdicts.shown([row.label for row in drawn], [column.key for column in columns])
    marked, notes = _lettered(mark_best(drawn, columns, verdicts), grid.footnotes)
    return replace(
        grid,
        columns=tuple(columns),
        rows=tuple(marked),
        footnotes=notes,
        unmeasured=() if options.columns else grid.unmeasured,
        published=tuple(replace(row, values=tuple(row.values[place] for place in places)) for row in grid.published),
        verdicts=verdicts,
    )


def _rows(grid: Grid, wanted: Sequence[str]) -> list[Row]:
    if not wanted:
        return list(grid.rows)
    chosen: dict[str, Row] = {}
    for word in wanted:
        rows = [row for row in grid.rows if word in (row.label, row.model) or GROUPS.get(word) == row.bound]
        if not rows:
            raise BenchError(f"the table has no row {word!r}{_near(word, [row.label for row in grid.rows])}")
        chosen.update({row.label: row for row in rows})
    return list(chosen.values())


def _columns(grid: Grid, wanted: Sequence[str]) -> list[int]:
    if not wanted:
        return list(range(len(grid.columns)))
    chosen: dict[int, None] = {}
    for word in map(own_name, wanted):
        places = [place for place, column in enumerate(grid.columns) if word in (column.key, column.name)]
        if not places:
            missing = [why for names, why in grid.unmeasured if word in (*names.split(", "), *_named(names))]
            if missing:
                raise BenchError(f"{word} has no value in any row: {missing[0]}")
            raise BenchError(f"the table has no column {word!r}{_near(word, [c.key for c in grid.columns])}")
        chosen.update(dict.fromkeys(places))
    return list(chosen)


def _named(columns: str) -> set[str]:
    return {name.partition("[")[0] for name in columns.split(", ")}


def _near(word: str, known: list[str]) -> str:
    return f"; {suggest(word, known, otherwise='it has: ' + ', '.join(known))}"


def _digits(column: Column, options: TableOptions) -> Column:
    for key in (column.key, column.name, ""):
        if key in options.digits:
            return replace(column, decimals=options.digits[key])
    return column


def _drawn(row: Row, columns: list[Column], options: TableOptions) -> Row:
    pairs = zip(row.cells, columns, strict=True)
    return replace(row, cells=tuple(_cell(cell, column.decimals, options) for cell, column in pairs))


def _cell(cell: Cell, decimals: int, options: TableOptions) -> Cell:
    row = cell.row
    if row is None or row.value is None:
        return cell
    interval = format_interval(row.ci_low, row.ci_high, decimals) if options.intervals and cell.interval else ""
    gap = format_value(row.from_truth, decimals) if options.gaps and cell.gap else ""
    return replace(cell, text=format_value(row.value, decimals), interval=interval, gap=gap)


def _lettered(rows: list[Row], footnotes: tuple[tuple[str, str], ...]) -> tuple[list[Row], tuple[tuple[str, str], ...]]:
    """Notes that still have a cell, lettered anew from `a`."""
    texts = dict(footnotes)
    used = dict.fromkeys(mark for row in rows for cell in row.cells for mark in cell.marks)
    letters = {mark: footnote_mark(place) for place, mark in enumerate(used)}
    again = [
        replace(row, cells=tuple(replace(cell, marks=tuple(letters[m] for m in cell.marks)) for cell in row.cells))
        for row in rows
    ]
    return again, tuple((letters[mark], texts[mark]) for mark in used)


def parse_digits(text: str) -> dict[str, int]:
    """`2` or `FID=1,SSIM=3` as `TableOptions.digits`. Raises `BenchError`."""
    digits = {}
    for word in text.split(","):
        name, equals, number = word.strip().rpartition("=")
        if not number.isdecimal() or int(number) > 9 or (equals and not name):
            raise BenchError(f"--digits {text!r} is neither a number from 0 to 9 nor NAME=NUMBER,...: {word.strip()!r}")
        digits[own_name(name)] = int(number)
    return digits
