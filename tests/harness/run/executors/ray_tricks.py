"""Tasks for Ray workers that say where they are and wait for one another, importable from worker processes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench_lipsync.harness.run.executors.base import WorkerContext
from bench_lipsync.harness.util.paths import cache_dir


class Where(NamedTuple):
    """Where a task was done."""

    number: int
    pid: int
    node: str
    gpus: tuple[str, ...]
    """What Ray gave the worker."""
    visible: str | None
    cache: str
    threads: str | None


@dataclass(frozen=True)
class Meet:
    """Leave a mark `began-NUMBER-PID` in `folder`, wait until `many` tasks have begun, leave `ended-NUMBER`."""

    number: int
    folder: Path
    many: int = 1
    seconds: float = 0.0

    @property
    def stage(self) -> str:
        return "meet"

    @property
    def title(self) -> str:
        return f"meet {self.number}"


@dataclass(frozen=True)
class Meeting:
    """A setup whose workers do `Meet` tasks; `device` is what a run would ask for."""

    device: str = "cpu"

    def open(self, context: WorkerContext) -> Callable[[Meet], Where]:
        return meet


def meet(task: Meet) -> Where:
    import ray

    (task.folder / f"began-{task.number}-{os.getpid()}").touch()
    until = time.monotonic() + 90
    while len({path.name.split("-")[1] for path in task.folder.glob("began-*")}) < task.many:
        if time.monotonic() > until:
            raise TimeoutError(f"only {sorted(path.name for path in task.folder.glob('*'))} came")
        time.sleep(0.05)
    time.sleep(task.seconds)
    (task.folder / f"ended-{task.number}").touch()
    here = ray.get_runtime_context()
    given = tuple(here.get_accelerator_ids().get("GPU", ()))
    visible, threads = os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("OMP_NUM_THREADS")
    return Where(task.number, os.getpid(), here.get_node_id(), given, visible, str(cache_dir()), threads)
