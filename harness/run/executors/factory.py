"""Makes the executor that the options of a run request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.run.executors.base import Executor, Setup
from bench_lipsync.harness.run.executors.pool import TaskLimits, WorkerPool
from bench_lipsync.harness.store.store import Store

WORKER_BYTES = 3 * 10**9
"""Memory per worker: 1.4 GB for the networks of the usual metrics, the rest for a model."""
PER_GPU = 2
Kind = Literal["auto", "local", "process", "ray"]


@dataclass(frozen=True)
class ExecutorOptions:
    """Where and how the tasks of a run are carried out; none of it changes a result."""

    kind: Kind = "auto"
    """`local`: in this process. `process`: in processes of this machine. `ray`: on a Ray cluster. `auto`: local, or
    processes where there are several workers or limits."""
    workers: int | None = None
    """At once; `None`: one, or with Ray as many as the cluster has room for."""
    limits: TaskLimits = field(default_factory=TaskLimits)
    address: str | None = None
    """Of the Ray cluster; `None` starts one on this machine."""
    gpus_per_worker: float = 0.0
    """Which share of a GPU Ray gives each worker."""
    cpus_per_worker: float = 1.0

    @property
    def settled(self) -> Literal["local", "process", "ray"]:
        """The kind, `auto` decided."""
        if self.kind != "auto":
            return self.kind
        limited = self.limits.seconds is not None or self.limits.memory is not None
        return "process" if limited or (self.workers or 1) > 1 else "local"

    @property
    def ahead(self) -> int | None:
        """How many prepared clips may wait for their first row; `None`: one stage after the other."""
        if self.settled == "local":
            return None
        return 2 * (self.workers or 8)


def make_executor(options: ExecutorOptions, setup: Setup, store: Store, *, files: Sequence[Path] = ()) -> Executor:
    """Make the executor of a run.

    Args:
        options: The kind, and its workers.
        setup: Opened in every worker.
        store: Of the run.
        files: Files and folders that tasks read.

    Raises:
        BenchError: The options contradict each other, or Ray cannot be used.

    """
    limits = options.limits
    if options.settled == "local":
        from bench_lipsync.harness.run.executors.inline import InlineExecutor

        if (options.workers or 1) > 1:
            raise BenchError(f"--executor local is one process; for {options.workers} workers take --executor process")
        if limits.seconds is not None or limits.memory is not None:
            raise BenchError("--executor local cannot be stopped by --clip-timeout and --clip-memory; take process")
        return InlineExecutor(setup)
    if options.settled == "process":
        from bench_lipsync.harness.run.executors.process import ProcessSource

        return WorkerPool(ProcessSource(setup, options.workers or 1, store.root / "tmp", limits.memory), limits)
    from bench_lipsync.harness.run.executors.ray_backend.cluster import RayOptions
    from bench_lipsync.harness.run.executors.ray_backend.workers import RaySource

    ray_options = RayOptions(options.address, options.workers, options.gpus_per_worker, options.cpus_per_worker)
    return WorkerPool(RaySource(setup, ray_options, store, memory=limits.memory, files=files), limits)


def workers_here(device: str) -> int:
    """How many workers suit this machine: one a core as far as memory goes, and on GPUs two each.

    Two let one prepare or score while the other one's network has the GPU.
    """
    import torch

    from bench_lipsync.harness.compute.resources import usable_cores, usable_memory

    fitting = min(usable_cores(), usable_memory().available // WORKER_BYTES)
    if device.startswith("cuda"):
        gpus = torch.cuda.device_count() if device == "cuda" else 1
        fitting = min(fitting, PER_GPU * gpus)
    return max(1, fitting)
