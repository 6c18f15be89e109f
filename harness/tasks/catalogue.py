"""Finds tasks: packaged ones, those of other installed packages, and files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.registry.registry import Registry
from bench_lipsync.harness.tasks.task import Task
from bench_lipsync.harness.util.sanitize import shown
from bench_lipsync.harness.util.text_files import read_yaml

DEFINITIONS = Path(__file__).parent / "definitions"
SUFFIXES = (".yaml", ".yml")


def packaged_tasks() -> Mapping[str, Path]:
    """The packaged definitions by name."""
    files = sorted(DEFINITIONS.rglob("*.yaml"))
    return {file.relative_to(DEFINITIONS).with_suffix("").as_posix(): file for file in files}


_TASKS: Registry[Path | str] = Registry("task", {}, external="bench_lipsync.harness.tasks.catalogue:packaged_tasks")
"""Entry points of the group `bench.tasks` load to the path of a definition."""


def task_names() -> list[str]:
    """The names of all tasks that are installed."""
    return _TASKS.names()


def find_task(name_or_path: str) -> Task:
    """The task of a name, or of a file (`.yaml`, `.yml`).

    Raises:
        BenchError: There is no such task, or its file is no valid definition; says what is wrong with it.

    """
    if name_or_path.endswith(SUFFIXES):
        return _read(Path(name_or_path))
    task = _read(Path(_TASKS.get(name_or_path)))
    if task.name != name_or_path:
        raise BenchError(f"the task {name_or_path!r} is called {task.name!r} in its file; the two must agree")
    return task


def _read(path: Path) -> Task:
    fields = read_yaml(path, "the task")
    if not isinstance(fields, dict):
        raise BenchError(f"{shown(path)} holds a {type(fields).__name__} and no task; see `bench task show demo`")
    return validate(Task, fields, f"the task {shown(path)}", "see `bench task show demo` for an example")
