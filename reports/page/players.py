"""The clips part of the page: for every clip all models side by side, ground truth first, with what was measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from bench_lipsync.harness.results.schema import ClipFacts, Failure
from bench_lipsync.reports.charts.svg import row_slots
from bench_lipsync.reports.page.clip_selection import ClipSelection, has_frames
from bench_lipsync.reports.page.media import Media
from bench_lipsync.reports.page.strips import RunCurves, load_curves, pose_of, strips
from bench_lipsync.reports.table.format import format_value
from bench_lipsync.reports.table.loading import Run
from bench_lipsync.reports.table.model import Column, Grid, Row


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
    slot: str
    """Its colour on this page."""
    truth: bool
    bound: bool
    ok: bool
    status: str
    reason: str
    source: str | None
    """`data:` URI or relative link of the preview; `None` where there is no video to show."""
    sound: str
    """What is heard where it is not the clip's own audio."""
    values: tuple[Value, ...]
    numbers: dict[str, float]
    """Clip-level values by column."""


@dataclass(frozen=True)
class ClipView:
    """One clip with all its players."""

    number: int
    id: str
    identity: str
    facts: str
    frames: int | None
    pose: str
    players: tuple[Player, ...]
    strips: dict[str, Any]

    @property
    def playable(self) -> bool:
        """Whether any model has a video."""
        return any(player.source for player in self.players)

    @property
    def drawn(self) -> bool:
        """Whether anything is known frame by frame."""
        return any(self.strips.values())

    @property
    def statuses(self) -> list[str]:
        """How its models ended, each way once."""
        return sorted({player.status for player in self.players})


@dataclass(frozen=True)
class _Source:
    """What one run knows, by (model, clip)."""

    run: Run
    records: dict[tuple[str, str], dict[str, Any]]
    failures: dict[tuple[str, str], Failure]
    curves: RunCurves


def clip_views(runs: list[Run], grid: Grid, media: Media, selection: ClipSelection) -> list[ClipView]:
    """Views of the clips that the page shows, in the run's order."""
    columns = [column for column in grid.columns if _level(runs, column) == "clip"]
    slots = row_slots(grid)
    rows = sorted(zip(grid.rows, slots, strict=True), key=lambda pair: pair[0].model != "ground-truth")
    clips = {place + 1: runs[0].result.clips[place] for place in selection.numbers}
    ids = {clip.id for clip in clips.values()}
    sources = [_open(run, ids) for run in runs]
    return [_view(place, rows, sources, columns, media) for place in clips.items()]


def _open(run: Run, clips: set[str]) -> _Source:
    records = {(str(record["model"]), str(record["clip"])): record for record in run.records(clips)}
    failures = {(f.model, f.clip): f for f in run.result.failures if f.clip in clips}
    return _Source(run, records, failures, load_curves(run, clips))


def _view(
    place: tuple[int, ClipFacts],
    rows: list[tuple[Row, str]],
    sources: list[_Source],
    columns: list[Column],
    media: Media,
) -> ClipView:
    number, clip = place
    records = [sources[row.run].records.get((row.model, clip.id), {}) for row, _ in rows]
    best = {column.key: _best_value(column, rows, records) for column in columns}
    names = Counter(column.name for column in columns)
    players = []
    for (row, slot), record in zip(rows, records, strict=True):
        source = sources[row.run]
        failure = source.failures.get((row.model, clip.id))
        players.append(
            Player(
                label=row.label,
                slot=slot,
                truth=row.model == "ground-truth",
                bound=row.bound,
                ok=failure is None,
                status=failure.status if failure else "ok",
                reason=failure.reason if failure else "",
                source=media.source(source.run, row.model, clip.id) if has_frames(failure) else None,
                sound=_sound(source.run, row, clip.donor),
                values=tuple(_clip_value(c, record, best[c.key], names[c.name] > 1) for c in columns) if record else (),
                numbers={c.key: float(record[c.key]) for c in columns if record.get(c.key) is not None},
            )
        )
    own = next((curves for source in sources if (curves := source.curves.of("", clip.id))), {})
    drawn = strips(own, [(row, sources[row.run].curves.of(row.model, clip.id)) for row, _ in rows], columns)
    return ClipView(number, clip.id, clip.identity, _facts(clip), clip.frames, pose_of(own), tuple(players), drawn)


def _best_value(column: Column, rows: list[tuple[Row, str]], records: list[dict[str, Any]]) -> float | None:
    """The best of the models' values, where at least two models (bounds aside) have one."""
    values = [
        record[column.key]
        for (row, _), record in zip(rows, records, strict=True)
        if not row.bound and record.get(column.key) is not None
    ]
    if len(values) < 2 or column.direction == "none":
        return None
    return float(max(values) if column.direction == "higher" else min(values))


def _clip_value(column: Column, record: dict[str, Any], best: float | None, twice: bool) -> Value:
    """`record`'s value; the variant joins the name where a metric comes `twice`."""
    value = record.get(column.key)
    text = format_value(value, column.decimals, minus="−") if value is not None else "–"
    name = f"{column.name} {column.variant}" if twice else column.name
    return Value(name, column.detail, column.arrow, text, best is not None and value == best)


def _level(runs: list[Run], column: Column) -> str:
    return next(row.level for run in runs for row in run.result.metrics if row.column == column.key)


def _sound(run: Run, row: Row, donor: str | None) -> str:
    card = next((card for card in run.result.models if card.get("name") == row.model), {})
    crossed = run.result.spec.get("protocol") == "cross" and row.model != "ground-truth"
    return f"audio of {donor}" if donor and (crossed or card.get("scores_audio") == "shuffled") else ""


def _facts(clip: ClipFacts) -> str:
    seconds = f"{clip.seconds:.1f} s" if clip.seconds is not None else ""
    frames = f"{clip.frames} frames" if clip.frames is not None else ""
    return " · ".join(part for part in (seconds, frames) if part)


def clip_index(grid: Grid, clips: list[ClipView]) -> dict[str, Any]:
    """Columns with a better direction, rows, the first model's place, and values by clip, row, column (or `null`)."""
    known = {key for clip in clips for player in clip.players for key in player.numbers}
    columns = [column for column in grid.columns if column.key in known and column.direction != "none"]
    rows = [{"label": player.label, "bound": player.bound} for player in clips[0].players] if clips else []
    return {
        "columns": [{"key": column.key, "direction": column.direction} for column in columns],
        "rows": rows,
        "row": next((place for place, row in enumerate(rows) if not row["bound"]), 0),
        "values": {
            f"clip-{clip.number}": [[player.numbers.get(c.key) for c in columns] for player in clip.players]
            for clip in clips
        },
    }


def filters(clips: list[ClipView]) -> dict[str, list[str]]:
    """What can be chosen: identities, poses and statuses that occur, each in a fixed order."""
    poses = [pose for pose in ("frontal", "turned", "profile") if any(clip.pose == pose for clip in clips)]
    failed = sorted({status for clip in clips for status in clip.statuses} - {"ok"})
    return {"identities": list(dict.fromkeys(clip.identity for clip in clips)), "poses": poses, "statuses": failed}
