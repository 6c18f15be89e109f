"""A run as one long table: a line for every number of every clip, and one for every number that is of all clips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.results import CLIPS_FILE, MetricRow, RunResult, read_clips, read_result
from harness.status import BenchError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("run", "model", "mode", "clip", "identity", "metric", "variant", "signature", "direction", "unit", "level"),
    *("value", "status", "reason"),
)
"""Of the table. `level` is `clip`, or `set` for numbers of all clips together, which have neither clip nor identity."""
UNAVAILABLE = "unavailable"
"""Status of a metric, or a row, that could not be computed at all."""


def long_table(folders: list[Path]) -> pd.DataFrame:
    """Of one or several run folders. Numbers that do not exist are lines too: with no value, a status and a reason.

    Means over clips are not in it: they are made of what is.
    Raises `BenchError` for a folder without `run.json` or `clips.parquet`, and for two folders of one name.
    """
    import pandas as pd

    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise BenchError(
            f"two of the runs are called {max(names, key=names.count)!r}; rename a folder to tell them apart"
        )
    lines = [line for folder, name in zip(folders, names, strict=True) for line in _run(folder, name)]
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype({"value": "float64"})


def _run(folder: Path, name: str) -> list[dict[str, Any]]:
    result = read_result(folder)
    if not (folder / CLIPS_FILE).is_file():
        raise BenchError(
            f"{folder} has no {CLIPS_FILE}, so there is nothing to export clip by clip; run `bench run` again"
        )
    records = read_clips(folder)
    lines = []
    for row in result.metrics:
        start = _start(row, name)
        if row.level == "set" or row.column not in records.columns:
            missing = row.value is None
            status = UNAVAILABLE if missing else "ok"
            lines.append({**start, "value": row.value, "status": status, "reason": row.note if missing else ""})
        else:
            own = records[records["model"] == row.model]
            lines += [_line(start, record, row) for record in own.to_dict("records")]
    return lines


def _start(row: MetricRow, run: str) -> dict[str, Any]:
    kept = ("model", "mode", "variant", "signature", "direction", "unit", "level")
    return {"run": run, "metric": row.name, "clip": None, "identity": None, **{key: getattr(row, key) for key in kept}}


def _line(start: dict[str, Any], record: dict[Any, Any], row: MetricRow) -> dict[str, Any]:
    """A value is `ok` whatever else happened to its clip; a missing one has the clip's status and reason."""
    value = record[row.column]
    where = {**start, "clip": record["clip"], "identity": record["identity"]}
    if value is not None and value == value:  # noqa: PLR0124 (not NaN)
        return {**where, "value": value, "status": "ok", "reason": ""}
    failed = record["status"] != "ok"
    status = record["status"] if failed else UNAVAILABLE
    return {**where, "value": None, "status": status, "reason": record["reason"] if failed else row.note}


def row_facts(result: RunResult) -> dict[str, dict[str, MetricRow]]:
    """The numbers of every row of the table by name and column; those with a value."""
    found: dict[str, dict[str, MetricRow]] = {str(card.get("name")): {} for card in result.models}
    for row in result.metrics:
        if row.value is not None:
            found.setdefault(row.model, {})[row.column] = row
    return {name: rows for name, rows in found.items() if rows}
