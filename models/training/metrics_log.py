"""Curves of a training run: a CSV file, and TensorBoard where the package `tensorboard` is installed."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class Curves:
    """Rows of `out/name.csv` with the columns step, `columns` and seconds; numbers of later steps are forgotten first.

    TensorBoard gets the same under `out/tensorboard/name`.
    """

    def __init__(self, out: Path, columns: Sequence[str], done: int, name: str = "log") -> None:
        self.path, self.columns = out / f"{name}.csv", tuple(columns)
        self.began = time.monotonic()
        _forget(self.path, done)
        self.board: Any = None
        if find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            # TensorBoard follows one file a folder.
            self.board = SummaryWriter(str(out / "tensorboard" / name), purge_step=done + 1)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Append what was measured after `step` steps."""
        new = not self.path.is_file() or self.path.stat().st_size == 0
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(("step", *self.columns, "seconds"))
            seconds = time.monotonic() - self.began
            writer.writerow([step, *(f"{values[column]:.6g}" for column in self.columns), f"{seconds:.0f}"])
        if self.board is not None:
            for column in self.columns:
                self.board.add_scalar(column, values[column], step)
            self.board.flush()


def _forget(path: Path, done: int) -> None:
    """Drop what was written after the state that the run goes on from, and the row that a kill left unfinished."""
    if not path.is_file():
        return
    lines = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
    kept = [line for line in lines[1:] if int(line.split(",")[0]) <= done]
    partial = path.with_suffix(".partial")
    partial.write_text("".join([*lines[:1], *kept]), encoding="utf-8")
    partial.replace(path)
