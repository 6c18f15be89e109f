"""Parts of charts: a row's mark and interval, its clips, axes and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench_lipsync.harness.util.sanitize import printable
from bench_lipsync.reports.charts.svg import PALETTE
from bench_lipsync.reports.table.model import Cell, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MANY_CLIPS = 60
"""Up to as many clips are drawn as points, more as a band from quartile to quartile."""
MARKERS = "osD^vPX*"
"""Shapes of models, in their order."""
_LABEL = 26
_TRUE_FRAMES = ("ground-truth", "shuffled-audio")


@dataclass(frozen=True)
class Chart:
    """A plot as part of the page."""

    caption: str
    svg: str
    """An `<svg>` element, safe as it is: every text in it is escaped."""


@dataclass(frozen=True)
class Line:
    """A row as drawn."""

    row: Row
    colour: str
    marker: str
    label: str


def short_label(label: str) -> str:
    """A printable label that fits beside an axis."""
    label = printable(label)
    return label if len(label) <= _LABEL else label[: _LABEL - 1] + "…"


def label_rows(axes: Axes, labels: list[str]) -> None:
    """Make the vertical axis one of rows, the first on top, and the horizontal one that of values."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(length=0)
    axes.grid(axis="x", color=PALETTE["line"], linewidth=0.6)
    axes.set_axisbelow(True)
    axes.locator_params(axis="x", nbins=5)


def draw_mark(axes: Axes, cells: tuple[Cell, Cell | None], at: tuple[float | None, float | None], line: Line) -> None:
    """A value with its interval in one or two directions; nothing where there is no value."""
    if at[0] is None or at[1] is None:
        return
    bars = [_bar(cell) if cell else None for cell in cells]
    axes.errorbar(
        [at[0]],
        [at[1]],
        xerr=bars[0],
        yerr=bars[1],
        fmt=line.marker,
        color=line.colour,
        markerfacecolor="none" if line.row.bound else line.colour,
        markersize=6,
        linewidth=1.6,
        zorder=3,
        label=line.label,
    )


def _bar(cell: Cell) -> list[list[float]] | None:
    row = cell.row
    if row is None or row.value is None or row.ci_low is None or row.ci_high is None:
        return None
    return [[max(0.0, row.value - row.ci_low)], [max(0.0, row.ci_high - row.value)]]


def draw_clips(axes: Axes, y: float, values: list[float], colour: str) -> None:
    """One faint point a clip, in a fixed zigzag so that equal values stay visible; many clips as quartiles."""
    if not values:
        return
    if len(values) <= MANY_CLIPS:
        offsets = [y + ((n * 7) % 11 - 5) / 22 for n in range(len(values))]
        axes.plot(values, offsets, ".", color=colour, alpha=0.55, markersize=5, markeredgewidth=0, zorder=1)
        return
    import numpy as np

    low, first, third, high = np.percentile(values, [5, 25, 75, 95])
    axes.hlines(y, low, high, color=colour, alpha=0.35, linewidth=1, zorder=1)
    axes.hlines(y, first, third, color=colour, alpha=0.22, linewidth=9, zorder=1)


def keep_models_apart(axes: Axes, rows: list[Row], place: int) -> None:
    """Rows that show the truth's own frames (PSNR 100) may leave the axis where the others would be one heap.

    Their value then stands at the edge that they left by.
    """
    low, high = axes.get_xlim()
    ends = [
        end
        for row in rows
        if row.model not in _TRUE_FRAMES and (entry := row.cells[place].row) is not None
        for end in (entry.value, entry.ci_low, entry.ci_high)
        if end is not None
    ]
    if not ends or max(ends) - min(ends) > 0.3 * (high - low) or max(ends) == min(ends):
        return
    margin = 0.25 * (max(ends) - min(ends))
    shown = min(ends) - margin, max(ends) + margin
    for y, row in enumerate(rows):
        cell = row.cells[place]
        if cell.value is not None and not shown[0] <= cell.value <= shown[1]:
            right = cell.value > shown[1]
            text = f"{cell.text} →" if right else f"← {cell.text}"
            where: dict[str, Any] = {
                "ha": "right" if right else "left",
                "va": "center",
                "transform": axes.get_yaxis_transform(),
            }
            axes.text(1.0 if right else 0.0, y, text, color=PALETTE["muted"], fontsize=9, **where)
    axes.set_xlim(*shown)
