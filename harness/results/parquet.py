"""Opens the Parquet tables of a run folder, which may be damaged or untrusted."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench_lipsync.harness.errors import BenchError, first_problem
from bench_lipsync.harness.util.sanitize import shown

if TYPE_CHECKING:
    import pyarrow.parquet as pq


@contextmanager
def opened_table(
    path: Path, columns: Collection[str] = (), *, read_dictionary: list[str] | None = None
) -> Iterator[pq.ParquetFile]:
    """Open the table at `path`, which exists. Raises `BenchError` if it cannot be read or lacks one of `columns`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, read_dictionary=read_dictionary) as file:
            if missing := sorted(set(columns) - set(file.schema_arrow.names)):
                raise BenchError(f"{shown(path)} has no column {missing[0]!r}; make the run folder again")
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BenchError(
            f"{shown(path)} cannot be read ({shown(first_problem(error))}); make the run folder again"
        ) from error
