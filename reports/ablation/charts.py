"""The plots of an ablation: each variant's distance from the full model, and curves over the amount of adaptation."""

from __future__ import annotations

from bench_lipsync.harness.ablation.variants import FULL, Ablation
from bench_lipsync.harness.util.sanitize import printable
from bench_lipsync.reports.ablation.grid import AblationGrid
from bench_lipsync.reports.charts.marks import MARKERS, Chart, label_rows, short_label
from bench_lipsync.reports.charts.svg import MODEL_SLOTS, PALETTE, RC, inline_svg
from bench_lipsync.reports.table.model import Column


def delta_charts(grid: AblationGrid, ablation: Ablation) -> list[Chart]:
    """One chart a metric: every variant's change with its interval, zero is the full model; a colour for each mode."""
    import matplotlib
    from matplotlib.figure import Figure

    labels = list(ablation.variants.others)
    charts = []
    with matplotlib.rc_context(RC):
        for place, column in enumerate(grid.columns):
            own = [delta for delta in grid.deltas if delta.column == column.key]
            drawn = [(delta, delta.delta) for delta in own if delta.delta is not None]
            if not drawn:
                continue
            figure = Figure(figsize=(4.6, 0.8 + 0.42 * len(labels)), layout="constrained")
            axes = figure.add_subplot()
            axes.axvline(0, color=PALETTE["muted"], linewidth=1)
            for delta, change in drawn:
                number = ablation.modes.index(delta.mode)
                y = labels.index(delta.label) + (number - (len(ablation.modes) - 1) / 2) * 0.24
                colour = PALETTE[f"m{number % MODEL_SLOTS}"]
                if delta.low is not None and delta.high is not None:
                    axes.hlines(y, delta.low, delta.high, color=colour, linewidth=1.6)
                face = colour if delta.counts else "none"
                axes.plot(change, y, MARKERS[number], color=colour, markerfacecolor=face, markersize=6.5)
            label_rows(axes, [short_label(label) for label in labels])
            if column.direction != "none":
                better = "→ better" if column.direction == "higher" else "← better"
                axes.set_xlabel(f"change from the full model ({better})")
            description = "; ".join(f"{d.label} ({d.mode}) {change:+.3g}" for d, change in drawn)
            name = printable(column.title)
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

    figure = Figure(figsize=(4.6, 3.6), layout="constrained")
    axes = figure.add_subplot()
    description, zero_shot = [], ablation.result.rows_with_values()
    adapted = [mode for mode in ablation.modes if mode != "zero-shot"]
    lines = [(label, mode) for mode in adapted for label in (FULL, *ablation.variants.others)]
    for number, (label, mode) in enumerate(lines):
        colour = PALETTE[f"m{number % MODEL_SLOTS}"]
        rows = ablation.variants.rows(mode)
        name = label if len(adapted) == 1 else f"{label} ({mode})"
        points = [
            (point.seconds if by_seconds else float(point.steps or 0), row)
            for point in ablation.curve
            if (row := point.result.rows_with_values().get(rows[label], {}).get(column.key)) is not None
        ]
        if not points:
            continue
        at, values = [x for x, _ in points], [row.value or 0.0 for _, row in points]
        axes.plot(at, values, MARKERS[number % len(MARKERS)] + "-", color=colour, label=short_label(name))
        for x, row in points:
            if row.ci_low is not None and row.ci_high is not None:
                axes.vlines(x, row.ci_low, row.ci_high, color=colour, linewidth=1, alpha=0.6)
        description.append(
            f"{name}: " + ", ".join(f"{value:.4g} at {x:g}" for x, value in zip(at, values, strict=True))
        )
        zero = zero_shot.get(ablation.variants.rows("zero-shot")[label], {}).get(column.key)
        if zero is not None and zero.value is not None:
            axes.axhline(zero.value, color=colour, linestyle=(0, (2, 3)), linewidth=0.9)
    axes.set_xlabel("seconds of footage adapted on" if by_seconds else "steps of adaptation")
    axes.grid(axis="y", color=PALETTE["line"], linewidth=0.6)
    figure.legend(fontsize=9, loc="outside lower center", ncols=2)  # Below: inside, it hides lines.
    title = printable(column.title)
    return Chart(
        _caption(column),
        inline_svg(figure, f"curve-{place}", f"{title} by adaptation", printable("; ".join(description))),
    )


def _caption(column: Column) -> str:
    return f"{printable(column.name)} {column.arrow} {printable(column.detail)}".replace("  ", " ").strip()
