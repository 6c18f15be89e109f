"""Workers that are processes of this machine, each spawned with a pipe to the driver."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from bench_lipsync.harness.run.executors.base import Setup, WorkerContext
from bench_lipsync.harness.run.executors.pool import Event, Worker
from bench_lipsync.harness.run.executors.worker_loop import (
    OVER_MEMORY,
    MemoryWatch,
    Reply,
    memory_excess,
    open_setup,
    run_one,
)
from bench_lipsync.harness.util.owner_token import owned_name

_SPAWN = multiprocessing.get_context("spawn")
"""A forked process would inherit threads' locks and a GPU context that cannot be used twice."""


class ProcessWorker:
    """One worker process."""

    def __init__(self, index: int, process: SpawnProcess, pipe: Connection, note: Path) -> None:
        self.name = f"w{index + 1}"
        self.process = process
        self.pipe = pipe
        self.note = note
        self.started = False

    def send(self, task: Any) -> None:
        """Send it a task."""
        with suppress(OSError):  # A process that is gone is reported by `wait`.
            self.pipe.send(task)

    def kill(self) -> None:
        """End it at once; processes that it started end by themselves."""
        self.process.kill()
        self.process.join()
        self.pipe.close()
        self.note.unlink(missing_ok=True)

    def receive(self) -> Event:
        """Its next message, or that it is gone."""
        try:
            reply: Reply | None = self.pipe.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            return self._gone()
        if self.started:
            return Event(self, "done", reply)
        self.started = True
        return Event(self, "done", reply) if reply else Event(self, "ready")

    def _gone(self) -> Event:
        self.process.join()
        code = self.process.exitcode or 0
        memory = code == OVER_MEMORY
        if memory:
            held = int(self.note.read_text(encoding="ascii")) if self.note.is_file() else 0
            why = memory_excess(held)
        elif code < 0:
            why = f"was killed by signal {-code} ({signal.Signals(-code).name})"
        else:
            why = f"ended with exit status {code}"
        self.pipe.close()
        self.note.unlink(missing_ok=True)
        return Event(self, "lost", why=why, memory=memory)


class ProcessSource:
    """Starts up to `limit` processes that do tasks as `setup` says; `notes` is a folder for short-lived files."""

    def __init__(self, setup: Setup, limit: int, notes: Path, memory: int | None = None) -> None:
        self._setup = setup
        self._limit = limit
        self._notes = notes
        self._memory = memory
        self._workers: list[ProcessWorker] = []

    @property
    def limit(self) -> int | None:
        """Most processes at once."""
        return self._limit

    def start(self, index: int) -> Worker:
        """Start a process."""
        ours, theirs = _SPAWN.Pipe()
        note = self._notes / f"memory-{owned_name()}"
        process = _SPAWN.Process(
            target=work,
            args=(theirs, self._setup, WorkerContext(index, alone=False), self._memory, note),
            name=f"w{index + 1}",
        )
        with _no_ctrl_c():
            process.start()
            theirs.close()
            worker = ProcessWorker(index, process, ours, note)
            self._workers.append(worker)
        return worker

    def wait(self, seconds: float) -> Sequence[Event]:
        """Messages of the processes; the pipe of one that is gone is closed."""
        self._workers = [worker for worker in self._workers if not worker.pipe.closed]
        ready = wait([worker.pipe for worker in self._workers], timeout=seconds)
        return [worker.receive() for worker in self._workers if worker.pipe in ready]

    def close(self) -> None:
        """End all processes at once; the store never shows incomplete entries."""
        for worker in self._workers:
            if not worker.pipe.closed:
                worker.kill()
        self._workers.clear()


def work(pipe: Connection, setup: Setup, context: WorkerContext, memory: int | None, note: Path) -> None:
    """Main function of a worker process: open, then one task after the other until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the run decides.
    _mask_ctrl_c(block=False)
    _end_with_parent()
    if memory is not None:
        MemoryWatch(memory, note)
    do = open_setup(partial(setup.open, context))
    with suppress(EOFError, ConnectionError):  # The run was killed.
        if isinstance(do, Reply):
            pipe.send(do)
            return
        pipe.send(None)
        while True:
            pipe.send(run_one(do, pipe.recv()))


@contextmanager
def _no_ctrl_c() -> Iterator[None]:
    """Hold Ctrl-C back in this thread, and for ever in processes that are started inside: they import for seconds."""
    _mask_ctrl_c(block=True)
    try:
        yield
    finally:
        _mask_ctrl_c(block=False)


def _mask_ctrl_c(*, block: bool) -> None:
    if hasattr(signal, "pthread_sigmask"):  # Not on Windows.
        signal.pthread_sigmask(signal.SIG_BLOCK if block else signal.SIG_UNBLOCK, {signal.SIGINT})


def _end_with_parent() -> None:
    """A driver that is killed cannot end its workers, so they watch it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch(sentinel: int) -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, args=(parent.sentinel,), name="bench-parent", daemon=True).start()
