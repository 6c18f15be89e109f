"""Which cells of the table are marked as best and second: only those whose lead is more than chance."""

from __future__ import annotations

from dataclasses import replace

from bench_lipsync.harness.results.schema import MetricRow
from bench_lipsync.reports.table.loading import Run
from bench_lipsync.reports.table.model import Cell, Column, Row
from bench_lipsync.reports.table.significance import Entry, Verdicts, test_rows


def find_verdicts(rows: list[Row], columns: list[Column], runs: list[Run]) -> Verdicts:
    """Tests of every two rows that are no bounds on every column that has a better direction."""
    entries = [Entry(row.label, row.model, row.run, _measured(row)) for row in rows if not row.bound]
    judged = [column.key for column in columns if column.direction != "none"]
    return test_rows(entries, judged, [run.result for run in runs])


def _measured(row: Row) -> dict[str, MetricRow]:
    return {cell.row.column: cell.row for cell in row.cells if cell.row is not None and cell.value is not None}


def mark_best(rows: list[Row], columns: list[Column], verdicts: Verdicts) -> list[Row]:
    """Every column's best, where it beats all others by more than chance; with it the second, by the same rule."""
    marks: dict[tuple[str, int], str] = {}
    for position, column in enumerate(columns):
        valued = [(row.label, row.cells[position].value or 0.0) for row in rows if not row.bound]
        have = {row.label for row in rows if row.cells[position].value is not None}
        sign = -1 if column.direction == "higher" else 1
        ranked = [label for label, _ in sorted(valued, key=lambda item: sign * item[1]) if label in have]
        if column.direction == "none" or len(ranked) < 2 or not _leads(ranked, column.key, verdicts):
            continue
        marks[ranked[0], position] = "best"
        if len(ranked) > 2 and _leads(ranked[1:], column.key, verdicts):
            marks[ranked[1], position] = "second"
    return [replace(row, cells=tuple(_marked(row, n, marks) for n in range(len(columns)))) for row in rows]


def _leads(ranked: list[str], column: str, verdicts: Verdicts) -> bool:
    return all(verdicts.differ(ranked[0], other, column) for other in ranked[1:])


def _marked(row: Row, position: int, marks: dict[tuple[str, int], str]) -> Cell:
    mark = marks.get((row.label, position))
    return replace(row.cells[position], best=mark == "best", second=mark == "second")
