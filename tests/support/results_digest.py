"""One hash over everything in a run folder that is a result, to say that two runs came out the same, byte for byte.

What tells of the carrying out and not of the result is left out: dates, times taken, versions and machine, the log, the
profile, and the pages that are drawn from the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench_lipsync.harness.results.parquet import opened_table
from bench_lipsync.harness.results.schema import CLIPS_FILE, RUN_FILE
from bench_lipsync.harness.util.files import sha256_file, sha256_json

NOT_RESULTS = ("created", "timings", "speed", "provenance")
"""Keys of `run.json` that differ between two runs with the same results."""
_TABLES = (CLIPS_FILE, "frames.parquet")
_FILES = ("adaptation.json",)
_FOLDERS = ("generated", "media")


def results_digest(folder: Path) -> str:
    """sha256 over all results of a run folder; equal for two runs exactly if every part is."""
    return sha256_json(results_parts(folder))


def results_parts(folder: Path) -> dict[str, str]:
    """sha256 of each result by its name, as `run.json: metrics`, `clips.parquet` or `generated/MODEL/CLIP.mkv`.

    Tables are taken by their content, whatever way they were packed; `run.json` key by key. What is missing is left
    out.
    """
    parts: dict[str, str] = {}
    run = folder / RUN_FILE
    if run.is_file():
        for key, value in json.loads(run.read_text(encoding="utf-8")).items():
            if key not in NOT_RESULTS:
                parts[f"{RUN_FILE}: {key}"] = sha256_json(value)
    parts.update({name: table_digest(folder / name) for name in _TABLES if (folder / name).is_file()})
    files = [folder / name for name in _FILES]
    files += [path for name in _FOLDERS for path in sorted((folder / name).rglob("*"))]
    parts.update({path.relative_to(folder).as_posix(): sha256_file(path) for path in files if path.is_file()})
    return parts


def differences(one: Path, two: Path) -> list[str]:
    """Names of the results that two run folders do not have alike."""
    left, right = results_parts(one), results_parts(two)
    return sorted(name for name in {*left, *right} if left.get(name) != right.get(name))


def table_digest(path: Path) -> str:
    """sha256 over the columns, their types and every row of a Parquet file, read a piece at a time."""
    digest = hashlib.sha256()
    with opened_table(path) as table:
        digest.update(str([(field.name, str(field.type)) for field in table.schema_arrow]).encode())
        for batch in table.iter_batches(batch_size=1024):
            for row in zip(*(_values(column) for column in batch.columns), strict=True):
                for value in row:
                    digest.update(len(value).to_bytes(8, "little") + value)
    return digest.hexdigest()


def _values(column: Any) -> Iterator[bytes]:
    """Every value of a column as bytes; all NaN are the same."""
    import pyarrow as pa

    if pa.types.is_list(column.type) and pa.types.is_floating(column.type.value_type):
        for item in column:
            numbers = np.array(item.values.to_numpy(zero_copy_only=False))
            numbers[np.isnan(numbers)] = np.nan
            yield numbers.tobytes()
    else:
        for value in column.to_pylist():
            yield (value.hex() if isinstance(value, float) else json.dumps(value)).encode()
