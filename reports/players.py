"""The clips part of the page: for every clip all models side by side, ground truth first, with what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reports.grid import Column, Grid, Row
from reports.media import Embedder, preview_file
from reports.numbers import format_value
from reports.runs import Run


@dataclass(frozen=True)
class Value:
    """One clip-level metric below a player."""

    name: str
    detail: str
    arrow: str
    text: str
    best: bool


@dataclass(frozen=True)
class Player:
    """One model on one clip."""

    label: str
    bound: bool
    ok: bool
    status: str
    reason: str
    source: str | None
    """`data:` URI or relative link of the preview; `None` where there is no video to show."""
    sound: str
    """What is heard where it is not the clip's own audio."""
    values: tuple[Value, ...]


@dataclass(frozen=True)
class ClipView:
    """One clip with all its players."""

    number: int
    id: str
    identity: str
    facts: str
    players: tuple[Player, ...]
    order: dict[str, float]
    """By metric column: the first model's value, for ordering clips by it."""

    @property
    def playable(self) -> bool:
        """Whether any model has a video."""
        return any(player.source for player in self.players)


def clip_views(runs: list[Run], grid: Grid, embedder: Embedder) -> list[ClipView]:
    """Views of the clips that at least one model got through, in the run's order."""
    columns = [column for column in grid.columns if _level(runs, column) == "clip"]
    rows = sorted(grid.rows, key=lambda row: row.model != "ground-truth")
    records = [{(r["model"], r["clip"]): r for r in run.records()} for run in runs]
    failures = [{(f.model, f.clip): f for f in run.result.failures} for run in runs]
    views = []
    for number, clip in enumerate(runs[0].result.clips, 1):
        found = [records[row.run].get((row.model, clip.id), {}) for row in rows]
        failed = [failures[row.run].get((row.model, clip.id)) for row in rows]
        shown = [failure is None or failure.status == "metric_failed" for failure in failed]
        if clip.status != "ok" or not any(shown):
            continue
        files = [
            preview_file(runs[row.run].folder, row.model, clip.id) if show else None
            for row, show in zip(rows, shown, strict=True)
        ]
        best = {column.key: _best(column, rows, found) for column in columns}
        players = tuple(
            Player(
                label=row.label,
                bound=row.bound,
                ok=failure is None,
                status=failure.status if failure else "ok",
                reason=failure.reason if failure else "",
                source=source,
                sound=_sound(runs[row.run], row, clip.donor),
                values=tuple(_value(column, record, best[column.key]) for column in columns) if record else (),
            )
            for row, record, failure, source in zip(rows, found, failed, embedder.sources(files), strict=True)
        )
        facts = " · ".join(part for part in (_seconds(clip.seconds), _frames(clip.frames)) if part)
        views.append(ClipView(number, clip.id, clip.identity, facts, players, _order(columns, rows, found)))
    return views


def _level(runs: list[Run], column: Column) -> str:
    return next(row.level for run in runs for row in run.result.metrics if row.column == column.key)


def _best(column: Column, rows: list[Row], records: list[dict[str, Any]]) -> float | None:
    """The best of the models' values, where at least two models (bounds aside) have one."""
    values = [
        record[column.key]
        for row, record in zip(rows, records, strict=True)
        if not row.bound and record.get(column.key) is not None
    ]
    if len(values) < 2 or column.direction == "none":
        return None
    return float(max(values) if column.direction == "higher" else min(values))


def _value(column: Column, record: dict[str, Any], best: float | None) -> Value:
    value = record.get(column.key)
    text = format_value(value, column.decimals, minus="−") if value is not None else "–"
    return Value(column.name, column.detail, column.arrow, text, best is not None and value == best)


def _order(columns: list[Column], rows: list[Row], records: list[dict[str, Any]]) -> dict[str, float]:
    first = next((record for row, record in zip(rows, records, strict=True) if not row.bound), {})
    return {column.key: float(first[column.key]) for column in columns if first.get(column.key) is not None}


def _sound(run: Run, row: Row, donor: str | None) -> str:
    card = next((card for card in run.result.models if card.get("name") == row.model), {})
    crossed = run.result.spec.get("protocol") == "cross" and row.model != "ground-truth"
    return f"audio of {donor}" if donor and (crossed or card.get("scores_audio") == "shuffled") else ""


def _seconds(seconds: float | None) -> str:
    return f"{seconds:.1f} s" if seconds is not None else ""


def _frames(frames: int | None) -> str:
    return f"{frames} frames" if frames is not None else ""
