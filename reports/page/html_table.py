"""The results table with what only the page draws: ranking and a whisker under every number."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from bench_lipsync.reports.table.model import Cell, Column, Grid, Row


@dataclass(frozen=True)
class Whisker:
    """A value and its interval on the column's common axis, in percent of its width."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class CellView:
    """A cell and its whisker."""

    cell: Cell
    whisker: Whisker | None


@dataclass(frozen=True)
class RowView:
    """A row as drawn."""

    row: Row
    cells: tuple[CellView, ...]


@dataclass(frozen=True)
class TableView:
    """Models, ranked by one column, then the bounds."""

    models: tuple[RowView, ...]
    bounds: tuple[RowView, ...]
    ranked_by: int | None
    """Index of the column that the models are ranked by; `None` where there is nothing to rank."""
    uneven: bool
    """Whether two rows are over different clips, so that their order and the charts are no comparison."""


def table_view(grid: Grid) -> TableView:
    """Rank the models by the first column that has a better direction; values that are missing come last."""
    axes = [_axis(column, grid, position) for position, column in enumerate(grid.columns)]
    models = [row for row in grid.rows if not row.bound]
    ranked_by = next((n for n, column in enumerate(grid.columns) if column.direction != "none"), None)
    if len(models) < 2:
        ranked_by = None
    if ranked_by is not None:
        models = _ranked(models, ranked_by, grid.columns[ranked_by])
    bounds = [row for row in grid.rows if row.bound]
    return TableView(
        tuple(_view(row, axes) for row in models), tuple(_view(row, axes) for row in bounds), ranked_by, _uneven(grid)
    )


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float

    def percent(self, value: float | None) -> float | None:
        """Place of `value`, 4 to 96 so that no mark is cut off at the edge."""
        if value is None:
            return None
        span = self.high - self.low
        return round(50.0 if span == 0 else 4 + 92 * (value - self.low) / span, 2)


def _axis(column: Column, grid: Grid, position: int) -> _Axis:
    rows = [row.cells[position].row for row in grid.rows]
    numbers = [number for row in rows if row for number in (row.value, row.ci_low, row.ci_high) if number is not None]
    return _Axis(min(numbers, default=0.0), max(numbers, default=0.0))


def _uneven(grid: Grid) -> bool:
    """Whether two rows have a column of which they are not known to have the same clips."""
    pairs = ((one.numbers, two.numbers) for one, two in combinations(grid.rows, 2))
    return any(not one[key].has_clips_of(two[key]) for one, two in pairs for key in one.keys() & two.keys())


def _ranked(rows: list[Row], position: int, column: Column) -> list[Row]:
    sign = -1.0 if column.direction == "higher" else 1.0

    def key(row: Row) -> tuple[bool, float]:
        value = row.cells[position].value
        return (value is None, 0.0 if value is None else sign * value)

    return sorted(rows, key=key)


def _view(row: Row, axes: list[_Axis]) -> RowView:
    return RowView(row, tuple(CellView(cell, _whisker(cell, axis)) for cell, axis in zip(row.cells, axes, strict=True)))


def _whisker(cell: Cell, axis: _Axis) -> Whisker | None:
    place = axis.percent(cell.value)
    if place is None or cell.row is None:
        return None
    return Whisker(place, axis.percent(cell.row.ci_low), axis.percent(cell.row.ci_high))
