"""Which clips a page shows: all, the requested ones, or of a large run the worst, the best and a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.schema import ClipFacts, Failure
from bench_lipsync.reports.table.loading import Run
from bench_lipsync.reports.table.model import Column, Grid, Row

MAX_CLIPS = 300
"""A page of so many clips is 4 MB with nine rows and the usual metrics, 15 MB with fourteen rows and every metric."""


@dataclass(frozen=True)
class ClipSelection:
    """The clips of a page."""

    numbers: tuple[int, ...]
    """Their places in the run's list, from 0."""
    left_out: int
    """Clips that could be shown and are not."""
    rule: str = ""
    """How they were chosen, where not all are there."""


def choose_clips(runs: list[Run], grid: Grid, requested: Sequence[str] = (), limit: int = MAX_CLIPS) -> ClipSelection:
    """Of the clips that at least one row got through, those that the page shows, in the run's order.

    Raises `BenchError` for a requested clip that the run does not have.
    """
    clips = runs[0].result.clips
    usable = _usable(runs, grid, clips)
    if requested:
        known = {clip.id: place for place, clip in enumerate(clips)}
        unknown = [clip for clip in requested if clip not in known]
        if unknown:
            raise BenchError(f"the run has no clip {unknown[0]!r}; clips.parquet lists all {len(clips)} of them")
        chosen = sorted({known[clip] for clip in requested} & set(usable))
        return ClipSelection(tuple(chosen), len(usable) - len(chosen), "those that were asked for")
    if len(usable) <= limit:
        return ClipSelection(tuple(usable), 0)
    ranked, by = _ranked(runs, grid, usable)
    third = limit // 3
    ends = {*ranked[:third], *ranked[max(third, len(ranked) - third) :]}
    rest = [place for place in usable if place not in ends]
    step = np.linspace(0, len(rest) - 1, limit - len(ends)).round().astype(int)
    chosen = sorted({*ends, *(rest[place] for place in step)})
    rule = (
        f"the {third} worst and the {third} best of {by}, and an even sample of the others" if by else "an even sample"
    )
    return ClipSelection(tuple(chosen), len(usable) - len(chosen), rule)


def has_frames(failure: Failure | None) -> bool:
    """Whether there are frames: a metric that failed leaves the video as it is."""
    return failure is None or failure.status == "metric_failed"


def _usable(runs: list[Run], grid: Grid, clips: list[ClipFacts]) -> list[int]:
    """Places of the clips that at least one row got through."""
    rows = len(grid.rows)
    lost: dict[str, int] = {}
    failed = [{(f.model, f.clip) for f in run.result.failures if not has_frames(f)} for run in runs]
    for row in grid.rows:
        for model, clip in failed[row.run]:
            if model == row.model:
                lost[clip] = lost.get(clip, 0) + 1
    return [place for place, clip in enumerate(clips) if clip.status == "ok" and lost.get(clip.id, 0) < rows]


def _ranked(runs: list[Run], grid: Grid, usable: list[int]) -> tuple[list[int], str]:
    """Places from worst to best by the first metric of the first row with values, and what they are ranked by."""
    rows = sorted(grid.rows, key=lambda row: row.bound)
    for row, column in ((row, column) for row in rows for column in grid.columns if column.direction != "none"):
        values = _values(runs[row.run], row, column)
        places = [place for place in usable if place in values]
        if places:
            sign = 1 if column.direction == "higher" else -1
            return sorted(places, key=lambda place: (sign * values[place], place)), f"{row.label} in {column.key}"
    return [], ""


def _values(run: Run, row: Row, column: Column) -> dict[int, float]:
    """By the clip's place in the run's list; empty where nothing is known clip by clip."""
    values = run.values([column.key]).get((row.model, column.key))
    if values is None or len(values) != len(run.result.clips):
        return {}
    return {place: float(values[place]) for place in np.flatnonzero(np.isfinite(values)).tolist()}
