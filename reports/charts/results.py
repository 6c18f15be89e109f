"""The page's charts: one per metric with intervals and every clip, and sync against image quality."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.util.sanitize import printable
from bench_lipsync.reports.charts.marks import (
    MARKERS,
    Chart,
    Line,
    draw_clips,
    draw_mark,
    keep_models_apart,
    label_rows,
    short_label,
)
from bench_lipsync.reports.charts.svg import PALETTE, RC, inline_svg, row_slots
from bench_lipsync.reports.table.loading import Run
from bench_lipsync.reports.table.model import Cell, Column, Grid

_SYNC = ("LSE-D", "LSE-C")
_QUALITY = ("LPIPS-mouth", "LPIPS", "FID", "SSIM-mouth", "SSIM")
_Values = dict[tuple[str, str], NDArray[np.float64]]


def make_charts(grid: Grid, runs: list[Run]) -> list[Chart]:
    """Charts of every column that has values; none for an empty table."""
    import matplotlib

    lines = [
        Line(row, PALETTE[slot], "o" if row.bound else MARKERS[n % len(MARKERS)], short_label(row.label))
        for n, (row, slot) in enumerate(zip(grid.rows, row_slots(grid), strict=True))
    ]
    values = [run.values([column.key for column in grid.columns]) for run in runs]
    with matplotlib.rc_context(RC):
        valued = [
            place for place in range(len(grid.columns)) if any(row.cells[place].value is not None for row in grid.rows)
        ]
        charts = [_metric(grid.columns[place], place, lines, values) for place in valued]
        scatter = _scatter(grid, lines)
    return [*charts, *([scatter] if scatter else [])]


def _metric(column: Column, place: int, lines: list[Line], values: list[_Values]) -> Chart:
    """Every row's value and interval; behind them, what each clip gave."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 0.62 + 0.27 * len(lines)), layout="constrained")
    axes = figure.add_subplot()
    for y, line in enumerate(lines):
        cell = line.row.cells[place]
        clips = values[line.row.run].get((line.row.model, column.key), np.empty(0))
        draw_clips(axes, y, clips[np.isfinite(clips)].tolist(), line.colour)
        draw_mark(axes, (cell, None), (cell.value, float(y)), line)
        if line.row.model == "ground-truth" and cell.value is not None:
            axes.axvline(cell.value, color=PALETTE["muted"], linestyle=(0, (2, 3)), linewidth=0.8, zorder=0)
    label_rows(axes, [line.label for line in lines])
    keep_models_apart(axes, [line.row for line in lines], place)
    name = printable(column.title)
    description = "; ".join(_describe(line, line.row.cells[place]) for line in lines)
    svg = inline_svg(figure, f"chart-{place}", f"{name} of every model", printable(description))
    return Chart(f"{name} {printable(column.detail)}".strip(), svg)


def _describe(line: Line, cell: Cell) -> str:
    return f"{line.row.label} {cell.text} {cell.interval}".strip()


def _scatter(grid: Grid, lines: list[Line]) -> Chart | None:
    """Lip-sync against image quality, a mark a row; `None` where fewer than two rows have both values."""
    from matplotlib.figure import Figure

    sync, quality = _first(grid, _SYNC), _first(grid, _QUALITY)
    drawn = [
        line
        for line in lines
        if sync is not None
        and quality is not None
        and None not in (line.row.cells[sync].value, line.row.cells[quality].value)
    ]
    if sync is None or quality is None or len(drawn) < 2:
        return None
    figure = Figure(figsize=(4.6, 3.2 + 0.11 * len(drawn)), layout="constrained")
    axes = figure.add_subplot()
    for line in drawn:
        cells = line.row.cells[sync], line.row.cells[quality]
        draw_mark(axes, cells, (cells[0].value, cells[1].value), line)
    names = [printable(f"{grid.columns[n].name} {grid.columns[n].arrow}") for n in (sync, quality)]
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    axes.tick_params(length=0, labelcolor=PALETTE["muted"])
    axes.grid(color=PALETTE["line"], linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    description = "; ".join(
        f"{line.label}: {line.row.cells[sync].text}, {line.row.cells[quality].text}" for line in drawn
    )
    title = f"{names[0]} against {names[1]}"
    return Chart(f"Lip-sync against image quality: {title}", inline_svg(figure, "scatter", title, description))


def _first(grid: Grid, names: tuple[str, ...]) -> int | None:
    keys = [column.name for column in grid.columns]
    return next((keys.index(name) for name in names if name in keys), None)
