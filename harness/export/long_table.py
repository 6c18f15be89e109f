"""A run as one long table: a line for every number of every clip, and one for every number that is of all clips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.results.parquet import opened_table
from bench_lipsync.harness.results.schema import CLIPS_FILE, MetricRow, read_result

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("run", "model", "mode", "clip", "identity", "metric", "variant", "signature", "direction", "unit", "level"),
    *("value", "status", "reason"),
)
"""Of the table. `level` is `clip`, or `set` for numbers of all clips together, which have neither clip nor identity."""
_TEXTS = ("model", "clip", "identity", "status", "reason")
UNAVAILABLE = "unavailable"
"""Status of a metric, or a row, that could not be computed at all."""


def long_parts(folders: list[Path]) -> Iterator[pd.DataFrame]:
    """Yield the long table of run folders in parts, because a large run has millions of lines.

    Missing numbers are lines too: no value, a status and a reason. Means over clips are left out; they follow from it.

    Args:
        folders: Run folders of different names.

    Yields:
        The lines of one metric of one row, with `COLUMNS`.

    Raises:
        BenchError: A folder lacks `run.json` or `clips.parquet`, or two folders have one name.

    """
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise BenchError(
            f"two of the runs are called {max(names, key=names.count)!r}; rename a folder to tell them apart"
        )
    for folder, name in zip(folders, names, strict=True):
        yield from _run(folder, name)


def _run(folder: Path, name: str) -> Iterator[pd.DataFrame]:
    import pandas as pd

    result = read_result(folder)
    path = folder / CLIPS_FILE
    if not path.is_file():
        raise BenchError(
            f"{folder} has no {CLIPS_FILE}, so there is nothing to export clip by clip; run `bench run` again"
        )
    with opened_table(path, _TEXTS, read_dictionary=list(_TEXTS)) as file:
        records = file.read(columns=list(_TEXTS)).to_pandas()
        measured = set(file.schema_arrow.names)
        for row in result.metrics:
            start = _start(row, name)
            if row.level == "set" or row.column not in measured:
                missing = row.value is None
                line = {**start, "value": row.value, "status": UNAVAILABLE if missing else "ok"}
                yield _frame(pd.DataFrame([{**line, "reason": row.note if missing else ""}]))
            else:
                own = (records["model"] == row.model).to_numpy()
                values = file.read(columns=[row.column])[row.column].to_numpy()
                yield _clips(start, records[own], np.asarray(values, dtype=np.float64)[own], row)


def _start(row: MetricRow, run: str) -> dict[str, Any]:
    kept = ("model", "mode", "variant", "signature", "direction", "unit", "level")
    return {"run": run, "metric": row.name, "clip": None, "identity": None, **{key: getattr(row, key) for key in kept}}


def _clips(start: dict[str, Any], records: pd.DataFrame, values: NDArray[np.float64], row: MetricRow) -> pd.DataFrame:
    """A value is `ok` whatever else happened to its clip; a missing one has the clip's status and reason."""
    frame = records[["clip", "identity", "status", "reason"]].astype(object).reset_index(drop=True)
    known, failed = np.isfinite(values), (frame["status"] != "ok").to_numpy()
    frame["value"] = values
    frame.loc[known, ["status", "reason"]] = ["ok", ""]
    frame.loc[~known & ~failed, ["status", "reason"]] = [UNAVAILABLE, row.note]
    return _frame(frame.assign(**{key: value for key, value in start.items() if key not in ("clip", "identity")}))


def _frame(lines: pd.DataFrame) -> pd.DataFrame:
    """In the order of `COLUMNS`; text columns hold text or nothing, whatever the others hold."""
    kinds = {name: "float64" if name == "value" else "object" for name in COLUMNS}
    return lines[list(COLUMNS)].astype(kinds)
