"""Sentences that a reader of the table must not miss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bench_lipsync.harness.results.common_clips import Comparison, compare
from bench_lipsync.reports.table.format import format_value
from bench_lipsync.reports.table.model import Column, Grid, Row

_SYNC = ("LSE-C", "LSE-D")
_FLOORS = ("static", "shuffled-audio")


class _Pair(NamedTuple):
    row: Row
    column: Column
    found: Comparison

    @property
    def better(self) -> bool | None:
        """Whether the model's value is strictly better than the bound's; `None` where they are not compared."""
        return self.column.better(*self.found.values) if self.found.values else None

    @property
    def text(self) -> str:
        """`LSE-C[x] (6.88 against 6.03, over the 7 of 8 clips that both have)`."""
        model, bound = (format_value(value, self.column.decimals) for value in self.found.values)
        return f"{self.column.key} ({', '.join(filter(None, (f'{model} against {bound}', self.found.coverage)))})"


def remarks(grid: Grid) -> list[str]:
    """Findings that change how the table is read, as plain text; empty for an ordinary table."""
    return [*_beats_truth(grid), *_below_floor(grid), *_not_compared(grid)]


def _beats_truth(grid: Grid) -> list[str]:
    """LSE above the ground truth is what an over-fitted sync loss looks like, so the table says it."""
    won = _by_row(pair for pair in _pairs(grid, "ground-truth") if pair.better)
    return [
        f"{label} scores better than the ground truth on {listed}: it pleases the sync network more than real speech "
        "does, which is no evidence of better lip-sync."
        for label, listed in won.items()
    ]


def _below_floor(grid: Grid) -> list[str]:
    """A model that a row without synchrony beats is not synchronised, whatever its other numbers say."""
    return [
        f"{label} is no better than {floor} on {listed}: this measure sees no lip-sync in it."
        for floor in _FLOORS
        for label, listed in _by_row(pair for pair in _pairs(grid, floor) if pair.better is False).items()
    ]


def _not_compared(grid: Grid) -> list[str]:
    """One line for a row and a reason, with all bounds and columns that they are about."""
    left_out: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for bound in ("ground-truth", *_FLOORS):
        for pair in (pair for pair in _pairs(grid, bound) if pair.better is None):
            bounds, columns = left_out.setdefault((pair.row.label, pair.found.note), ({}, {}))
            bounds[bound], columns[pair.column.key] = None, None
    return [
        f"{label} is not compared with {', '.join(bounds)} on {', '.join(columns)}: {note}."
        for (label, note), (bounds, columns) in left_out.items()
    ]


def _by_row(pairs: Iterable[_Pair]) -> dict[str, str]:
    """The texts of the pairs by the label of the model's row."""
    texts: dict[str, list[str]] = {}
    for pair in pairs:
        texts.setdefault(pair.row.label, []).append(pair.text)
    return {label: " and ".join(items) for label, items in texts.items()}


def _pairs(grid: Grid, reference: str) -> Iterator[_Pair]:
    """Every model's sync values beside those of the bound `reference` (its own run's, where runs disagree)."""
    bounds = [row for row in grid.rows if row.bound and row.model == reference]
    for row in grid.rows:
        if row.bound or not bounds:
            continue
        bound_row = next((bound for bound in bounds if bound.run == row.run), bounds[0])
        for column, cell, bound in zip(grid.columns, row.cells, bound_row.cells, strict=True):
            if column.name in _SYNC and cell.number is not None and bound.number is not None:
                yield _Pair(row, column, compare(cell.number, bound.number))
