"""`bench export`: results as files for other programs, and for experiment trackers where they are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path

from harness import export_trackers
from harness.export_table import long_table
from harness.status import BenchError


def export(folders: list[Path], format: str, out: Path) -> Path:
    """Write the runs in `format`, one of `FORMATS`, to `out` and return it.

    Raises `BenchError` for an unknown format, a library that is not installed, or a folder that is no run.
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
    table = long_table(folders)
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = out.with_name(f".{out.name}")
    table.to_parquet(scratch, index=False)
    return scratch.replace(out)


def _csv(folders: list[Path], out: Path) -> Path:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    table = long_table(folders)
    for column in table.columns.drop("value"):
        formula = table[column].astype("string").str.startswith(("=", "+", "-", "@", "\t", "\r"), na=False)
        table.loc[formula, column] = "'" + table.loc[formula, column]
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = out.with_name(f".{out.name}")
    table.to_csv(scratch, index=False, lineterminator="\n")
    return scratch.replace(out)


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
