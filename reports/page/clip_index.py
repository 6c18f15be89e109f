"""What the page's script needs to order and to filter the clips, as JSON."""

from __future__ import annotations

from typing import Any

from bench_lipsync.reports.page.players import ClipView
from bench_lipsync.reports.table.grid import Grid


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
