"""What stands below a player: the clip's own values, the best of the models' in each metric marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench_lipsync.reports.table.format import format_value
from bench_lipsync.reports.table.grid import Column, Row


@dataclass(frozen=True)
class Value:
    """One clip-level metric below a player."""

    name: str
    detail: str
    arrow: str
    text: str
    best: bool


def best_value(column: Column, rows: list[tuple[Row, str]], records: list[dict[str, Any]]) -> float | None:
    """The best of the models' values, where at least two models (bounds aside) have one."""
    values = [
        record[column.key]
        for (row, _), record in zip(rows, records, strict=True)
        if not row.bound and record.get(column.key) is not None
    ]
    if len(values) < 2 or column.direction == "none":
        return None
    return float(max(values) if column.direction == "higher" else min(values))


def clip_value(column: Column, record: dict[str, Any], best: float | None, twice: bool) -> Value:
    """`record`'s value; the variant joins the name where a metric comes `twice`."""
    value = record.get(column.key)
    text = format_value(value, column.decimals, minus="−") if value is not None else "–"
    name = f"{column.name} {column.variant}" if twice else column.name
    return Value(name, column.detail, column.arrow, text, best is not None and value == best)
