"""`ablation.html`: what each part of a model contributes, in one file without scripts and external resources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench_lipsync.harness.ablation.deltas import Delta, mode_deltas
from bench_lipsync.harness.ablation.variants import Ablation
from bench_lipsync.harness.util.files import write_text_atomically
from bench_lipsync.reports.ablation.charts import curve_charts, delta_charts
from bench_lipsync.reports.ablation.grid import AblationGrid, ablation_grid, pair_notes
from bench_lipsync.reports.ablation.tables import NOTE, ablation_table, data_line, labelled
from bench_lipsync.reports.page.templating import asset, environment
from bench_lipsync.reports.page.text import notices
from bench_lipsync.reports.table.format import decimals_for, format_change, format_interval, format_value
from bench_lipsync.reports.table.loading import Run

STYLES = ("page.css", "charts.css", "ablation.css")


@dataclass(frozen=True)
class ModeLine:
    """One model's change from zero-shot on one metric."""

    label: str
    mode: str
    column: str
    value: str
    change: str
    interval: str
    p: str
    counts: bool
    worse: bool


def write_ablation(ablation: Ablation, out: Path) -> Path:
    """Write the page to `out` and return it."""
    grid = ablation_grid(ablation)
    result, against = ablation.result, mode_deltas(ablation)
    text: str = (
        environment()
        .get_template("ablation.html.jinja")
        .render(
            style=asset(STYLES),
            title=f"Ablation of {ablation.variants.full}",
            ablation=ablation,
            grid=grid,
            data=data_line(ablation),
            note=NOTE,
            labels={row.name: labelled(row, ablation) for row in grid.rows},
            settings=_settings(ablation.settings),
            charts=delta_charts(grid, ablation),
            curves=curve_charts(grid, ablation),
            modes=[_mode_line(delta, grid) for delta in against],
            mode_notes=pair_notes(against),
            unavailable=_unavailable(ablation, grid),
            notices=notices([Run(result, None, "")]),
            curve_notice=_other_frames(ablation),
            spec=json.dumps(result.spec, indent=1, ensure_ascii=False),
            provenance=result.provenance,
        )
    )
    return write_text_atomically(out, text)


def write_reports(ablation: Ablation, folder: Path) -> list[Path]:
    """Write the page and the tables for papers (`ablation.html`, `.tex`, `.md`) into a run folder."""
    return [
        write_ablation(ablation, folder / "ablation.html"),
        write_text_atomically(folder / "ablation.tex", ablation_table(ablation, "latex")),
        write_text_atomically(folder / "ablation.md", ablation_table(ablation, "markdown")),
    ]


def _settings(settings: Mapping[str, Mapping[str, object]]) -> list[list[str]]:
    """A table: names of the settings that differ, then a line for every model."""
    if not settings:
        return []
    keys = list(next(iter(settings.values())))
    return [["", *keys], *([label, *(str(own.get(key)) for key in keys)] for label, own in settings.items())]


def _mode_line(delta: Delta, grid: AblationGrid) -> ModeLine:
    digits = next((c.decimals for c in grid.columns if c.key == delta.column), decimals_for([delta.base]))
    p = "" if delta.p_holm is None else f"{delta.p_holm:.2g}"
    interval = format_interval(delta.low, delta.high, digits)
    change = "n/a" if delta.delta is None else format_change(delta.delta, digits)
    value = format_value(delta.value, digits)
    return ModeLine(delta.label, delta.mode, delta.column, value, change, interval, p, delta.counts, delta.worse)


def _unavailable(ablation: Ablation, grid: AblationGrid) -> list[str]:
    """Rows without any value, and why."""
    lines = []
    for row in grid.rows:
        if all(cell.text == "n/a" for cell in row.cells):
            notes = [one.note for one in ablation.result.metrics if one.model == row.name and one.note]
            lines.append(f"{row.name}: {notes[0] if notes else 'no value'}")
    return lines


OTHER_FRAMES = "The points were not scored on the same frames: more footage to adapt on leaves less to score."
OTHER_CURVE_CLIPS = "Points are over the clips that each run got through, and these rows lack some"


def _other_frames(ablation: Ablation) -> str:
    """Said where the points of a curve were not scored on the same frames, or a row lacks clips in some of them."""
    seen = {tuple(sorted((c.id, c.content_hash or "") for c in point.result.clips)) for point in ablation.curve}
    if len(seen) > 1:
        return OTHER_FRAMES
    rows = [row for point in ablation.curve for row in point.result.metrics if row.value is not None]
    drawn = {name for mode in ablation.modes for name in ablation.variants.rows(mode).values()}
    lacking = sorted({row.model for row in rows if row.model in drawn and row.n_ok < row.n_total})
    return f"{OTHER_CURVE_CLIPS}: {', '.join(lacking)}." if lacking else ""
