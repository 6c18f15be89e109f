"""`bench export`: results as files for other programs, and for experiment trackers where they are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.export import trackers as export_trackers
from bench_lipsync.harness.export.long_table import COLUMNS, long_parts
from bench_lipsync.harness.util.files import appearing


def export(folders: list[Path], format: str, out: Path) -> Path:
    """Write runs for another program.

    Args:
        folders: Run folders.
        format: A key of `FORMATS`: `parquet`, `csv`, `tensorboard`, `wandb` or `mlflow`.
        out: File (`parquet`, `csv`) or folder to write.

    Returns:
        `out`.

    Raises:
        BenchError: The format is unknown, its package is not installed, or a folder holds no run.

    """
    if format not in FORMATS:
        raise BenchError(f"no export format is called {format!r}; known: {', '.join(FORMATS)}")
    for needs in NEEDED.get(format, ()):
        if importlib.util.find_spec(needs) is None:
            raise BenchError(
                f"exporting to {format} needs the package {needs}, which is not installed: pip install {format}"
            )
    return FORMATS[format](folders, out)


def _parquet(folders: list[Path], out: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.float64() if name == "value" else pa.string()) for name in COLUMNS])
    with appearing(out) as half, pq.ParquetWriter(half, schema) as writer:
        for part in long_parts(folders):
            writer.write_table(pa.Table.from_pandas(part, schema=schema, preserve_index=False))
    return out


def _csv(folders: list[Path], out: Path) -> Path:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    with appearing(out) as half, half.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(COLUMNS) + "\n")
        for part in long_parts(folders):
            for column in part.columns.drop("value"):
                formula = part[column].astype("string").str.startswith(("=", "+", "-", "@", "\t", "\r"), na=False)
                part.loc[formula, column] = "'" + part.loc[formula, column]
            part.to_csv(file, index=False, header=False, lineterminator="\n")
    return out


FORMATS: Mapping[str, Callable[[list[Path], Path], Path]] = {
    "parquet": _parquet,
    "csv": _csv,
    "tensorboard": export_trackers.tensorboard,
    "wandb": export_trackers.wandb,
    "mlflow": export_trackers.mlflow,
}
"""Export formats by name: called with run folders and the file, or folder, to write."""
NEEDED: Mapping[str, tuple[str, ...]] = {
    "tensorboard": ("tensorboard",),
    "wandb": ("wandb",),
    "mlflow": ("mlflow", "sqlalchemy"),
}
"""Packages that are no dependency of bench; `mlflow-skinny` comes without its database."""
