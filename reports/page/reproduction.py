"""One page for all packaged tasks: what was published, beside what runs of the task measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.tasks import Task, find_task, task_names
from bench_lipsync.harness.util.files import write_text_atomically
from bench_lipsync.reports.page.templating import asset, environment
from bench_lipsync.reports.table.grid import make_grid
from bench_lipsync.reports.table.loading import Run, load_runs, protocol
from bench_lipsync.reports.table.model import Grid

STYLES = ("page.css", "table.css")


@dataclass(frozen=True)
class Measured:
    """A run of a task, or of a task that was changed."""

    run: Run
    grid: Grid
    data: str
    """Data set, clips, frames, protocol and seed."""
    changed: tuple[str, ...]
    """What the run changed of the task; empty for a run of the task itself."""


@dataclass(frozen=True)
class TaskView:
    """A task with what was measured of it."""

    task: Task
    runs: tuple[Measured, ...]

    @property
    def published(self) -> list[tuple[str, list[str]]]:
        """The published rows by column, for a task that no run is of."""
        if self.task.published is None:
            return []
        rows = self.task.published.rows
        return [
            (name, [f"{row[column]:g}" if column in row else "" for column in self.columns])
            for name, row in rows.items()
        ]

    @property
    def columns(self) -> list[str]:
        """Columns of the published rows."""
        rows = self.task.published.rows.values() if self.task.published else ()
        return list(dict.fromkeys(column for row in rows for column in row))


def task_views(runs: Sequence[Run]) -> list[TaskView]:
    """Every packaged task, and further ones that a run is of. Raises `BenchError` for a run without a task."""
    measured: dict[str, list[Measured]] = {}
    tasks = {name: find_task(name) for name in task_names()}
    for run in runs:
        if run.spec is None or run.spec.task is None:
            raise BenchError(f"{run.label} is a run of no task; `bench run --task NAME` makes one")
        task = run.spec.task
        tasks.setdefault(task.name, task)
        changed = tuple(run.spec.changes_to_task())
        measured.setdefault(task.name, []).append(Measured(run, make_grid([run]), protocol([run]), changed))
    return [TaskView(task, tuple(measured.get(name, ()))) for name, task in tasks.items()]


def write_reproduction(folders: Iterable[Path], out: Path) -> Path:
    """Write the page.

    Args:
        folders: Run folders of any tasks; they need not be over the same clips.
        out: File to write.

    Returns:
        `out`.

    Raises:
        BenchError: A folder holds no run, or a run of no task.

    """
    runs = [load_runs(folder)[0] for folder in folders]
    page = environment().get_template("reproduction.html.jinja")
    text: str = page.render(style=asset(STYLES), views=task_views(runs))
    return write_text_atomically(out, text)
