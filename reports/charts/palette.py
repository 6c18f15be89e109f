"""One colour for every row of a table, the same in charts, strips and captions; the style sheet knows both themes."""

from __future__ import annotations

from bench_lipsync.reports.table.grid import Grid

MODEL_SLOTS = 8
"""Colours that can be told apart; a ninth model begins again."""
BOUND_SLOTS = 4


def row_slots(grid: Grid) -> list[str]:
    """`m0`, `m1`, ... for models, `b0`, `b1`, ... for bounds: names of colours in the style sheet, by row."""
    models = bounds = 0
    slots = []
    for row in grid.rows:
        if row.bound:
            slots.append(f"b{bounds % BOUND_SLOTS}")
            bounds += 1
        else:
            slots.append(f"m{models % MODEL_SLOTS}")
            models += 1
    return slots
