"""`clips.parquet`, one row per model and clip, and the failure list.

The table is read and written in parts: a large run has half a million rows, of which a report needs few.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.errors import Status
from bench_lipsync.harness.results.model_run import ModelRun
from bench_lipsync.harness.results.parquet import opened_table
from bench_lipsync.harness.results.schema import CLIP_COLUMNS, CLIPS_FILE, Failure
from bench_lipsync.harness.scoring.score import FailureRecord
from bench_lipsync.harness.util.files import appearing

if TYPE_CHECKING:
    import pyarrow as pa

_ALWAYS = CLIP_COLUMNS[:-1]
"""Files of the first versions have no notes."""
_NAMED = 3
_PART = 1 << 13
"""Rows of `clips.parquet` that are written together."""


def pair_outcome(run: ModelRun, clip: str) -> FailureRecord | None:
    """How (model, clip) ended: `None` for ok, else the failure; the first one if several scorers failed."""
    if clip in run.failures:
        return run.failures[clip]
    scores = run.scores.get(clip)
    if scores is None:
        return FailureRecord(Status.MODEL_FAILED, run.unavailable or "not generated")
    return scores.failures[0] if scores.failures else None


def list_failures(runs: Sequence[ModelRun], clips: Sequence[str]) -> list[Failure]:
    """Every (model, clip) pair that did not end in `ok`."""
    pairs = [(run.name, clip, pair_outcome(run, clip)) for run in runs for clip in clips]
    return [
        Failure(model=model, clip=clip, status=error.status.value, reason=error.reason)
        for model, clip, error in pairs
        if error is not None
    ]


def note_lines(runs: Sequence[ModelRun]) -> list[str]:
    """The clips' notes as `MODEL: NOTE (3 clips: a, b, c)`, one line for each note of a model."""
    lines = []
    for run in runs:
        clips: dict[str, list[str]] = {}
        for clip, notes in run.notes.items():
            for note in notes:
                clips.setdefault(note, []).append(clip)
        for note, named in clips.items():
            shown = ", ".join(named[:_NAMED]) + (", ..." if len(named) > _NAMED else "")
            lines.append(f"{run.name}: {note} ({len(named)} clip{'' if len(named) == 1 else 's'}: {shown})")
    return lines


def write_clips(
    runs: Sequence[ModelRun], identities: Mapping[str, str], infos: Sequence[MetricInfo], folder: Path
) -> Path:
    """Write `clips.parquet`, a part at a time; `identities` maps every clip id of the run to its identity."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [info.column for info in infos if info.level == "clip"]
    kinds = {**dict.fromkeys(CLIP_COLUMNS, pa.string()), **dict.fromkeys(columns, pa.float64())}
    schema = pa.schema(list(kinds.items()))
    path = folder / CLIPS_FILE
    rows = (_row(run, clip, identity, columns) for run in runs for clip, identity in identities.items())
    with appearing(path) as half, pq.ParquetWriter(half, schema) as writer:
        for part in _parts(rows):
            writer.write_table(pa.Table.from_pylist(part, schema=schema))
    return path


def _row(run: ModelRun, clip: str, identity: str, columns: Sequence[str]) -> dict[str, object]:
    error = pair_outcome(run, clip)
    scores = run.scores.get(clip)
    values = {} if scores is None else scores.values
    return {
        "model": run.name,
        "clip": clip,
        "identity": identity,
        "status": (error.status if error else Status.OK).value,
        "reason": error.reason if error else "",
        "note": "; ".join(run.notes.get(clip, ())),
        **{column: values.get(column) for column in columns},
    }


def _parts(rows: Iterator[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    while part := list(islice(rows, _PART)):
        yield part


def clip_records(folder: Path, clips: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of some `clips`, or of all, in the order of the file; a missing value is `None`. None without a file."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = None if clips is None else pa.array(sorted(clips), pa.string())
    for part in record_parts(folder):
        rows = part if wanted is None else part.filter(pc.is_in(part["clip"], value_set=wanted))
        for row in rows.to_pylist():
            yield {key: None if value != value else value for key, value in row.items()}  # noqa: PLR0124 (NaN)


def clip_columns(folder: Path, columns: Collection[str]) -> dict[tuple[str, str], NDArray[np.float64]]:
    """(clips,) values by model and column, in the order of the file; NaN where a clip has none."""
    parts: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    for part in record_parts(folder, ["model", *columns]):
        models = part["model"].to_numpy()
        for model in dict.fromkeys(models):
            for column in (name for name in part.column_names if name != "model"):
                values = np.asarray(part[column].to_numpy(), dtype=np.float64)[models == model]
                parts.setdefault((str(model), column), []).append(values)
    return {key: np.concatenate(arrays) for key, arrays in parts.items()}


def clip_values(folder: Path, column: str) -> dict[str, dict[str, float]]:
    """The values of a clip-level column by model and clip; empty for other columns and without the file."""
    values: dict[str, dict[str, float]] = {}
    for part in record_parts(folder, ["model", "clip", column]):
        if column in part.column_names:
            rows = (part[name].to_pylist() for name in ("model", "clip", column))
            for model, clip, value in zip(*rows, strict=True):
                if value is not None and np.isfinite(value):
                    values.setdefault(model, {})[clip] = value
    return values


def record_parts(folder: Path, columns: Collection[str] | None = None) -> Iterator[pa.Table]:
    """`clips.parquet` as it was written, part by part; those of `columns` that it has, or all. None without a file."""
    import pyarrow as pa

    if not (folder / CLIPS_FILE).is_file():
        return
    with opened_table(folder / CLIPS_FILE, _ALWAYS) as file:
        names = [name for name in file.schema_arrow.names if not name.startswith("__index")]
        chosen = [name for name in names if columns is None or name in columns]
        for batch in file.iter_batches(batch_size=1 << 14, columns=chosen):
            yield pa.Table.from_batches([batch])
