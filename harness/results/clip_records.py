"""Reading `clips.parquet` a part at a time: a large run has half a million rows of which a report wants few."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.results.parquet import opened_table
from bench_lipsync.harness.results.schema import CLIP_COLUMNS, CLIPS_FILE

if TYPE_CHECKING:
    import pyarrow as pa

_ALWAYS = CLIP_COLUMNS[:-1]
"""Files of the first versions have no notes."""


def clip_records(folder: Path, clips: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of some `clips`, or of all, in the order of the file; a missing value is `None`. None without a file."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = None if clips is None else pa.array(sorted(clips), pa.string())
    for part in record_parts(folder):
        some = part if wanted is None else part.filter(pc.is_in(part["clip"], value_set=wanted))
        for row in some.to_pylist():
            yield {key: None if value != value else value for key, value in row.items()}  # noqa: PLR0124 (NaN)


def clip_columns(folder: Path, columns: Collection[str]) -> dict[tuple[str, str], NDArray[np.float64]]:
    """(clips,) what every model's clips have, by model and column, in the order of the file; NaN where one has none."""
    found: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    for part in record_parts(folder, ["model", *columns]):
        models = part["model"].to_numpy()
        for model in dict.fromkeys(models):
            for column in (name for name in part.column_names if name != "model"):
                values = np.asarray(part[column].to_numpy(), dtype=np.float64)[models == model]
                found.setdefault((str(model), column), []).append(values)
    return {key: np.concatenate(parts) for key, parts in found.items()}


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
