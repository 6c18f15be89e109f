"""Workers from a Ray cluster: one actor is one worker and holds the share of a machine that Ray gave it.

The pool assigns and retries tasks; Ray only places actors and reports when one is gone. `limit` follows the free
capacity of the cluster, so that machines that join are used, and tasks of a machine that leaves go elsewhere.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.run.executors.base import Setup, WorkerContext
from bench_lipsync.harness.run.executors.pool import Event, Worker
from bench_lipsync.harness.run.executors.ray_backend.actor import StartReport, TaskActor
from bench_lipsync.harness.run.executors.ray_backend.capacity import ClusterCapacity
from bench_lipsync.harness.run.executors.ray_backend.cluster import Cluster, RayOptions
from bench_lipsync.harness.run.executors.ray_backend.environment_check import EnvironmentFingerprint
from bench_lipsync.harness.run.executors.worker_loop import Reply, memory_excess
from bench_lipsync.harness.store.store import Store

logger = logging.getLogger(__name__)
_POLL_SECONDS = 1.0


class RayWorker:
    """One worker; its actor is replaced until one has started."""

    def __init__(self, index: int, cluster: Cluster) -> None:
        self.index = index
        self.host = ""
        """Name of its machine, once it has one."""
        self.gone = False
        self.actor: Any = None
        self.pending: dict[Any, Literal["open", "do", "watch"]] = {}
        """Calls whose answers are waited for."""
        self.nodes: frozenset[str] = frozenset()
        """Machines that lived when the actor was pending for."""
        self._cluster = cluster

    @property
    def name(self) -> str:
        """`w3@host`, or `w3` while it waits for room."""
        return f"w{self.index + 1}@{self.host}" if self.host else f"w{self.index + 1}"

    def send(self, task: Any) -> None:
        """Give it a task."""
        self.pending[self.actor.do.remote(task)] = "do"

    def kill(self) -> None:
        """End it at once; Ray ends what it started."""
        self.gone = True
        self.pending.clear()
        with suppress(Exception):  # Whatever Ray says of one that is gone already.
            self._cluster.ray.kill(self.actor, no_restart=True)


class RaySource:
    """Asks Ray for workers that do tasks as `setup` says.

    `memory` is the limit of a worker in bytes. `files` are files and folders that tasks read: each worker must have
    the same ones. Raises `BenchError` without Ray, without the cluster, and where a worker does not fit.
    """

    def __init__(
        self, setup: Setup, options: RayOptions, store: Store, *, memory: int | None = None, files: Sequence[Path] = ()
    ) -> None:
        self._setup = setup
        self._memory = memory
        self._cluster = Cluster(options)
        self._workers: list[RayWorker] = []
        self._rejected: list[Any] = []
        """Actors on machines that cannot take part. They hold their places, so that the next are put elsewhere."""
        self._gpus: set[str] = set()
        """Models of GPUs in use."""
        self._store = store
        try:
            self._capacity = ClusterCapacity(self._cluster)
            self._fingerprint = EnvironmentFingerprint.here(self._store, files)
        except BaseException:
            self._cluster.close()
            raise
        if getattr(setup, "device", "cpu") != "cpu" and not options.gpus and self._cluster.has_gpus():
            logger.warning("the cluster's GPUs are not used: workers get none without --gpus-per-worker")

    @property
    def limit(self) -> int | None:
        """Most workers at once: those pending for, or as many as there is room for now, and one that waits for more."""
        return self._capacity.limit(sum(bool(worker.host) for worker in self._workers))

    def start(self, index: int) -> Worker:
        """Ask for one."""
        worker = RayWorker(index, self._cluster)
        self._request(worker)
        self._workers.append(worker)
        return worker

    def wait(self, seconds: float) -> Sequence[Event]:
        """What the actors say; returns early where the cluster has grown."""
        until, limit = time.monotonic() + seconds, self.limit or 0
        while True:
            self._workers = [worker for worker in self._workers if not worker.gone]
            self._capacity.check(waiting=bool(self._workers) and not any(worker.host for worker in self._workers))
            events = self._poll(max(0.0, min(until - time.monotonic(), _POLL_SECONDS)))
            if events or time.monotonic() >= until or (self.limit or 0) > limit:
                return events

    def close(self) -> None:
        """End all actors, and the connection."""
        for worker in self._workers:
            worker.kill()
        for actor in self._rejected:
            with suppress(Exception):
                self._cluster.ray.kill(actor, no_restart=True)
        self._workers.clear()
        self._rejected.clear()
        self._cluster.close()
        self._store.remove(self._store.root / self._fingerprint.note)

    def _request(self, worker: RayWorker) -> None:
        """Request an actor for `worker`. It sees only the GPU that Ray gave it, so that is its first one."""
        context = WorkerContext(0 if self._cluster.options.gpus else worker.index, alone=False)
        worker.nodes = frozenset(self._cluster.nodes())
        worker.actor = self._cluster.actor(TaskActor, threads=1 if self._memory is None else 2)
        worker.pending = {worker.actor.open.remote(self._setup, context, self._fingerprint): "open"}

    def _poll(self, seconds: float) -> list[Event]:
        pending = {ref: worker for worker in self._workers for ref in worker.pending}
        if not pending:
            time.sleep(min(seconds, 0.2))
            return []
        wait = self._cluster.ray.wait
        answered, _ = wait(list(pending), num_returns=1, timeout=seconds)
        if answered:  # All that are there, not only the first.
            answered, _ = wait(list(pending), num_returns=len(pending), timeout=0)
        events = (self._event(pending[ref], ref) for ref in answered if ref in pending[ref].pending)
        return [event for event in events if event]

    def _event(self, worker: RayWorker, ref: Any) -> Event | None:
        """The event that an answer means."""
        from ray.exceptions import RayActorError, RayError, RayTaskError

        kind = worker.pending.pop(ref)
        try:
            answer = self._cluster.ray.get(ref)
        except RayTaskError as error:  # Must come first: some are both. `TaskActor` catches the errors of tasks.
            if kind != "open":
                return Event(worker, "done", Reply(bug=str(error)))
            answer = StartReport("a machine of the cluster", Reply(stop=f"a worker cannot start: {_last_line(error)}"))
        except (RayActorError, RayError) as error:
            return self._lost(worker, error)
        if kind == "open":
            return self._opened(worker, answer)
        if kind == "watch":
            worker.kill()
            return Event(worker, "lost", why=memory_excess(answer), memory=True)
        return Event(worker, "done", answer)

    def _opened(self, worker: RayWorker, opened: StartReport) -> Event | None:
        reply = opened.reply
        if reply is None:
            try:
                self._store.remove(self._store.file(opened.answer))
            except BenchError:
                reply = Reply(stop=f"what {opened.host} writes into the store does not arrive in {self._store.root}")
        if reply is not None:
            if not any(other.host for other in self._workers if not other.gone):
                return Event(worker, "done", reply)
            self._reject(worker, f"{opened.host} takes no part: {reply.stop or reply.bug}")
            return None
        worker.host = opened.host
        self._note_gpu(opened)
        if self._memory is not None:
            worker.pending[worker.actor.watch.remote(self._memory)] = "watch"
        return Event(worker, "ready")

    def _note_gpu(self, opened: StartReport) -> None:
        if opened.gpu and self._gpus and opened.gpu not in self._gpus:
            used = ", ".join(sorted(self._gpus))
            logger.warning("%s has a %s, others a %s: last bits may differ", opened.host, opened.gpu, used)
        self._gpus.add(opened.gpu)

    def _reject(self, worker: RayWorker, why: str) -> None:
        """Leave out a machine that joined later; it must not end a run that works on others."""
        logger.warning("%s", why)
        self._rejected.append(worker.actor)
        self._request(worker)

    def _lost(self, worker: RayWorker, error: Exception) -> Event | None:
        if not worker.host:
            if "failed to import" in str(error):
                raise BenchError(f"a machine of the cluster has no bench: {_last_line(error)}. Install it on every one")
            if not worker.nodes <= self._cluster.nodes().keys():  # Not its fault: its machine has left.
                self._request(worker)
                return None
        worker.kill()
        return Event(worker, "lost", why=_reason(error))


def _reason(error: Exception) -> str:
    """Why an actor is gone, for a reader, after `its worker ...`."""
    from ray.exceptions import OutOfMemoryError

    text = str(error)
    if isinstance(error, OutOfMemoryError):
        return "was ended by Ray because its machine ran out of memory"
    if "its node has died" in text:
        return "was on a machine that left the cluster"
    if "unavailable" in text:
        return "cannot be reached any more"
    return "was killed or crashed"


def _last_line(error: Exception) -> str:
    """Where Ray puts the original message."""
    return str(error).strip().splitlines()[-1]
