"""Lip-sync against picture quality: a model can buy one with the other."""

from __future__ import annotations

from bench_lipsync.reports.charts.marks import Chart, Line, draw_mark
from bench_lipsync.reports.charts.svg import PALETTE, inline_svg
from bench_lipsync.reports.escape import visible
from bench_lipsync.reports.table.grid import Grid

_SYNC = ("LSE-D", "LSE-C")
_QUALITY = ("LPIPS-mouth", "LPIPS", "FID", "SSIM-mouth", "SSIM")


def scatter_chart(grid: Grid, lines: list[Line]) -> Chart | None:
    """One mark a row with both intervals; `None` where fewer than two rows have both values."""
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
        one, two = line.row.cells[sync], line.row.cells[quality]
        draw_mark(axes, (one, two), (one.value, two.value), line)
    names = [visible(f"{grid.columns[n].name} {grid.columns[n].arrow}") for n in (sync, quality)]
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    axes.tick_params(length=0, labelcolor=PALETTE["muted"])
    axes.grid(color=PALETTE["line"], linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    told = "; ".join(f"{line.label}: {line.row.cells[sync].text}, {line.row.cells[quality].text}" for line in drawn)
    title = f"{names[0]} against {names[1]}"
    return Chart(f"Lip-sync against picture quality: {title}", inline_svg(figure, "scatter", title, told))


def _first(grid: Grid, names: tuple[str, ...]) -> int | None:
    keys = [column.name for column in grid.columns]
    return next((keys.index(name) for name in names if name in keys), None)
