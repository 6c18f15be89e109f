"""Sentences that a reader of the table must not miss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bench_lipsync.reports.table.model import Cell, Column, Grid, Row

_SYNC = ("LSE-C", "LSE-D")


class _Pair(NamedTuple):
    row: Row
    column: Column
    cell: Cell
    bound: Cell
    better: bool
    """Whether the model's value is strictly better than the bound's."""


def remarks(grid: Grid) -> list[str]:
    """Findings that change how the table is read, as plain text; empty for an ordinary table."""
    return [*_beats_truth(grid), *_below_floor(grid)]


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
        for floor in ("static", "shuffled-audio")
        for label, listed in _by_row(pair for pair in _pairs(grid, floor) if not pair.better).items()
    ]


def _by_row(pairs: Iterable[_Pair]) -> dict[str, str]:
    """`LSE-C[x] (6.88 against 6.03) and ...` by the label of the model's row."""
    texts: dict[str, list[str]] = {}
    for pair in pairs:
        texts.setdefault(pair.row.label, []).append(f"{pair.column.key} ({pair.cell.text} against {pair.bound.text})")
    return {label: " and ".join(items) for label, items in texts.items()}


def _pairs(grid: Grid, reference: str) -> Iterator[_Pair]:
    """Every model's sync values beside those of the bound `reference` (its own run's, where runs disagree)."""
    bounds = [row for row in grid.rows if row.bound and row.model == reference]
    for row in grid.rows:
        if row.bound or not bounds:
            continue
        bound_row = next((bound for bound in bounds if bound.run == row.run), bounds[0])
        for column, cell, bound in zip(grid.columns, row.cells, bound_row.cells, strict=True):
            if column.name in _SYNC and cell.value is not None and bound.value is not None:
                yield _Pair(row, column, cell, bound, column.better(cell.value, bound.value))
