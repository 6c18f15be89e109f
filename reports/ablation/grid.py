"""The table of an ablation as data, which every format draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench_lipsync.harness.ablation.deltas import Delta, deltas
from bench_lipsync.harness.ablation.variants import FULL, Ablation
from bench_lipsync.harness.registry.plugins import BOUNDS
from bench_lipsync.harness.results.schema import MetricRow
from bench_lipsync.reports.table.format import decimals_for, format_change, format_interval, format_value
from bench_lipsync.reports.table.model import Column


@dataclass(frozen=True)
class AblationCell:
    """A value, and how far it is from the full model's."""

    text: str
    change: str = ""
    """With its sign."""
    interval: str = ""
    """Of the change."""
    delta: Delta | None = None

    @property
    def counts(self) -> bool:
        """Whether the change is more than chance."""
        return self.delta is not None and self.delta.counts


@dataclass(frozen=True)
class AblationRow:
    """The full model, a variant or a bound."""

    label: str
    mode: str
    name: str
    """Of the row in the run."""
    cells: tuple[AblationCell, ...]
    bound: bool = False


@dataclass(frozen=True)
class AblationGrid:
    """The table."""

    columns: tuple[Column, ...]
    rows: tuple[AblationRow, ...]
    deltas: tuple[Delta, ...]

    @property
    def test_note(self) -> str:
        """How the changes were tested."""
        done = sum(delta.p is not None for delta in self.deltas)
        if done:
            said = f"* more than chance: paired test over identities, p < 0.05 after Holm's correction for {done} tests"
        else:
            reasons = "; ".join(dict.fromkeys(delta.note for delta in self.deltas if delta.note))
            said = f"No change could be tested: {reasons or 'no variant has a value'}"
        return "; ".join([said, *pair_notes(self.deltas)])


def pair_notes(deltas: Sequence[Delta]) -> list[str]:
    """Which changes are not over all clips, and which are left out and why."""
    columns: dict[str, list[str]] = {}
    for delta in deltas:
        text = f"not compared: {delta.note}" if delta.delta is None else delta.coverage
        if text:
            columns.setdefault(f"{delta.label} ({delta.mode}) {text}", []).append(delta.column)
    return [f"{text} ({', '.join(names)})" for text, names in columns.items()]


def ablation_grid(ablation: Ablation) -> AblationGrid:
    """Full model and variants in every mode, then the bounds."""
    changes = deltas(ablation)
    values = ablation.result.rows_with_values()
    names = [(label, mode, name) for mode in ablation.modes for label, name in ablation.variants.rows(mode).items()]
    columns = _columns(values, [name for _, _, name in names])
    by_place = {(delta.label, delta.mode, delta.column): delta for delta in changes}
    rows = [
        AblationRow(label, mode, name, _cells(columns, values.get(name, {}), by_place, (label, mode)))
        for label, mode, name in names
    ]
    cards = {str(card.get("name")) for card in ablation.result.models}
    rows += [
        AblationRow(bound, "", bound, _cells(columns, values.get(bound, {}), {}, ("", "")), bound=True)
        for bound in BOUNDS
        if bound in cards
    ]
    return AblationGrid(tuple(columns), tuple(rows), tuple(changes))


def _columns(values: dict[str, dict[str, MetricRow]], names: list[str]) -> list[Column]:
    measured: dict[str, list[MetricRow]] = {}
    for name in names:
        for column, row in values.get(name, {}).items():
            measured.setdefault(column, []).append(row)
    return [
        Column(r[0].name, r[0].variant, r[0].direction, r[0].unit, r[0].signature, decimals_for([x.value for x in r]))
        for r in measured.values()
    ]


def _cells(
    columns: list[Column], values: dict[str, MetricRow], changes: dict[Any, Delta], where: tuple[str, str]
) -> tuple[AblationCell, ...]:
    cells = []
    for column in columns:
        row = values.get(column.key)
        cell = AblationCell(format_value(row.value if row else None, column.decimals))
        delta = changes.get((*where, column.key)) if where[0] != FULL else None
        if delta is not None:
            change = "n/a" if delta.delta is None else format_change(delta.delta, column.decimals)
            interval = format_interval(delta.low, delta.high, column.decimals)
            cell = replace(cell, change=change, interval=interval, delta=delta)
        cells.append(cell)
    return tuple(cells)
