"""The plots of an ablation: each variant's distance from the full model, and curves over the amount of adaptation."""

from __future__ import annotations

from bench_lipsync.harness.ablation.variants import FULL, Ablation, CurvePoint
from bench_lipsync.harness.results.schema import MetricRow
from bench_lipsync.harness.util.sanitize import printable
from bench_lipsync.reports.ablation.grid import AblationGrid
from bench_lipsync.reports.charts.marks import Chart
from bench_lipsync.reports.charts.svg import MODEL_SLOTS, PALETTE, RC, inline_svg
from bench_lipsync.reports.table.model import Column

_MARKERS = "osD^vPX*"
_LABEL = 26


def delta_charts(grid: AblationGrid, ablation: Ablation) -> list[Chart]:
    """One chart a metric: every variant's change with its interval, zero is the full model; a colour for each mode."""
    import matplotlib
    from matplotlib.figure import Figure

    labels = list(ablation.variants.others)
    charts = []
    with matplotlib.rc_context(RC):
        for place, column in enumerate(grid.columns):
            drawn = [delta for delta in grid.deltas if delta.column == column.key]
            if not drawn:
                continue
            figure = Figure(figsize=(4.6, 0.8 + 0.42 * len(labels)), layout="constrained")
            axes = figure.add_subplot()
            axes.axvline(0, color=PALETTE["muted"], linewidth=1)
            for delta in drawn:
                number = ablation.modes.index(delta.mode)
                y = labels.index(delta.label) + (number - (len(ablation.modes) - 1) / 2) * 0.24
                colour = PALETTE[f"m{number % MODEL_SLOTS}"]
                if delta.low is not None and delta.high is not None:
                    axes.hlines(y, delta.low, delta.high, color=colour, linewidth=1.6)
                face = colour if delta.counts else "none"
                axes.plot(delta.delta, y, _MARKERS[number], color=colour, markerfacecolor=face, markersize=6.5)
            axes.set_yticks(range(len(labels)), [_short(label) for label in labels])
            axes.set_ylim(len(labels) - 0.5, -0.5)
            axes.tick_params(length=0)
            axes.grid(axis="x", color=PALETTE["line"], linewidth=0.6)
            axes.set_axisbelow(True)
            axes.locator_params(axis="x", nbins=5)
            if column.direction != "none":
                better = "→ better" if column.direction == "higher" else "← better"
                axes.set_xlabel(f"change from the full model ({better})")
            description = "; ".join(f"{d.label} ({d.mode}) {d.delta:+.3g}" for d in drawn)
            name = printable(f"{column.name} {column.arrow}".strip())
            charts.append(
                Chart(_caption(column), inline_svg(figure, f"delta-{place}", f"{name}: change", printable(description)))
            )
    return charts


def curve_charts(grid: AblationGrid, ablation: Ablation) -> list[Chart]:
    """One chart a metric over seconds of footage, or over steps where only they vary; none without a curve."""
    if not ablation.curve:
        return []
    import matplotlib

    by_seconds = len({point.seconds for point in ablation.curve}) > 1
    with matplotlib.rc_context(RC):
        return [_curve(ablation, column, place, by_seconds) for place, column in enumerate(grid.columns)]


def _curve(ablation: Ablation, column: Column, place: int, by_seconds: bool) -> Chart:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 3.0), layout="constrained")
    axes = figure.add_subplot()
    description = []
    adapted = [mode for mode in ablation.modes if mode != "zero-shot"]
    lines = [(label, mode) for mode in adapted for label in (FULL, *ablation.variants.others)]
    for number, (label, mode) in enumerate(lines):
        colour = PALETTE[f"m{number % MODEL_SLOTS}"]
        name = label if len(adapted) == 1 else f"{label} ({mode})"
        points = [
            (point.seconds if by_seconds else float(point.steps or 0), row)
            for point in ablation.curve
            if (row := _row(point, ablation.variants.rows(mode)[label], column.key)) is not None
        ]
        if not points:
            continue
        at, values = [x for x, _ in points], [row.value or 0.0 for _, row in points]
        axes.plot(at, values, _MARKERS[number % len(_MARKERS)] + "-", color=colour, label=_short(printable(name)))
        for x, row in points:
            if row.ci_low is not None and row.ci_high is not None:
                axes.vlines(x, row.ci_low, row.ci_high, color=colour, linewidth=1, alpha=0.6)
        description.append(
            f"{name}: " + ", ".join(f"{value:.4g} at {x:g}" for x, value in zip(at, values, strict=True))
        )
        zero = next(
            (
                r
                for r in ablation.result.metrics
                if r.column == column.key and r.model == ablation.variants.rows("zero-shot")[label]
            ),
            None,
        )
        if zero is not None and zero.value is not None:
            axes.axhline(zero.value, color=colour, linestyle=(0, (2, 3)), linewidth=0.9)
    axes.set_xlabel("seconds of footage adapted on" if by_seconds else "steps of adaptation")
    axes.grid(axis="y", color=PALETTE["line"], linewidth=0.6)
    axes.legend(fontsize=9)
    title = printable(f"{column.name} {column.arrow}".strip())
    return Chart(
        _caption(column),
        inline_svg(figure, f"curve-{place}", f"{title} by adaptation", printable("; ".join(description))),
    )


def _row(point: CurvePoint, name: str, column: str) -> MetricRow | None:
    rows = point.result.metrics
    return next((r for r in rows if r.model == name and r.column == column and r.value is not None), None)


def _caption(column: Column) -> str:
    return f"{printable(column.name)} {column.arrow} {printable(column.detail)}".replace("  ", " ").strip()


def _short(label: str) -> str:
    label = printable(label)
    return label if len(label) <= _LABEL else label[: _LABEL - 1] + "…"
