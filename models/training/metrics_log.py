"""Curves of a training: a CSV file, and TensorBoard where the package `tensorboard` is installed."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench_lipsync.harness.util.files import write_text_atomically


class MetricsLog:
    """A CSV file with a row for a step now and then.

    Args:
        path: The file; an existing one is continued.
        columns: Behind the column `step`. `seconds` since the training began or went on need not be given to `add`.
        done: Steps of the state that the training goes on from; rows of later steps are dropped.
        formats: How a column is written, where it is not `.6g`.
        board: Whether TensorBoard gets the same, in the folder `tensorboard/NAME` beside `NAME.csv`.

    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        done: int,
        *,
        formats: Mapping[str, str] | None = None,
        board: bool = True,
    ) -> None:
        self.path, self.columns = path, tuple(columns)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.formats = {"seconds": ".0f", **(formats or {})}
        self.began = time.monotonic()
        _drop_rows_after(path, done)
        self.board: Any = None
        if board and find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            # TensorBoard follows one file a folder.
            self.board = SummaryWriter(str(path.parent / "tensorboard" / path.stem), purge_step=done + 1)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Append what was measured after `step` steps, by column."""
        row = {"seconds": time.monotonic() - self.began, **values}
        new = not self.path.is_file() or self.path.stat().st_size == 0
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(("step", *self.columns))
            writer.writerow([step, *(f"{row[name]:{self.formats.get(name, '.6g')}}" for name in self.columns)])
        if self.board is not None:
            for name, value in values.items():
                self.board.add_scalar(name, value, step)
            self.board.flush()


def _drop_rows_after(path: Path, done: int) -> None:
    """Drop the rows of later steps, and the row that a kill left unfinished."""
    if not path.is_file():
        return
    with path.open(newline="", encoding="utf-8") as file:
        lines = [line for line in file.read().splitlines(keepends=True) if line.endswith("\n")]
    kept = [line for line in lines[1:] if int(line.split(",")[0]) <= done]
    write_text_atomically(path, "".join([*lines[:1], *kept]))
