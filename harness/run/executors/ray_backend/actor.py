"""Runs inside a Ray actor: checks its environment, then does one task at a time."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench_lipsync.harness.compute.threads import settle_threads
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.run.executors.base import Setup, WorkerContext
from bench_lipsync.harness.run.executors.ray_backend.environment_check import EnvironmentFingerprint
from bench_lipsync.harness.run.executors.worker_loop import OVER_MEMORY, Reply, open_setup, run_one, wait_for_excess

_SECONDS_TO_REPORT = 2.0


@dataclass(frozen=True)
class StartReport:
    """The start of an actor."""

    host: str
    """Name of its machine."""
    reply: Reply | None = None
    """Why it cannot work; `None` if it can."""
    answer: str = ""
    """Reference of the store entry that it left for the run."""
    gpu: str = ""
    """Model of its GPU; empty without one."""


class TaskActor:
    """The actor; Ray runs each in a process of its own."""

    def __init__(self) -> None:
        self._do: Callable[[Any], Any] | None = None

    def open(self, setup: Setup, context: WorkerContext, fingerprint: EnvironmentFingerprint) -> StartReport:
        """Check `fingerprint` and load what the tasks need. Raises nothing: errors are in the reply."""
        host = socket.gethostname()
        settle_threads()
        try:
            answer = fingerprint.check(host)
            gpu = _gpu(host, getattr(setup, "device", "cpu"))
        except BenchError as error:
            return StartReport(host, Reply(stop=str(error)))
        do = open_setup(partial(setup.open, context))
        if isinstance(do, Reply):
            return StartReport(host, do)
        self._do = do
        return StartReport(host, answer=answer, gpu=gpu)

    def do(self, task: Any) -> Reply:
        """Do one task; needs an `open` that went well."""
        if self._do is None:
            raise RuntimeError("a task came before the start")
        return run_one(self._do, task)

    def watch(self, limit: int) -> int:
        """Wait until this process and its children hold more than `limit` bytes; how many, then.

        The run ends the actor when it hears of it. Where it does not in time, the actor does so itself.
        """
        held = wait_for_excess(limit)
        timer = threading.Timer(_SECONDS_TO_REPORT, os._exit, (OVER_MEMORY,))
        timer.daemon = True
        timer.start()
        return held


def _gpu(host: str, device: str) -> str:
    """The model of the GPU that Ray gave, empty without one. Raises `BenchError` where torch cannot use it."""
    import ray

    if device == "cpu" or not ray.get_runtime_context().get_accelerator_ids().get("GPU"):
        return ""
    import torch

    if not torch.cuda.is_available():
        raise BenchError(
            f"{host} was given a GPU by Ray, and torch cannot use it: see `bench doctor` there, or --device cpu"
        )
    return str(torch.cuda.get_device_name(0))
