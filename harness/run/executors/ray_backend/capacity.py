"""How many workers a run may have in a Ray cluster now, and messages while none fits."""

from __future__ import annotations

import logging
import time

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.run.executors.ray_backend.cluster import Cluster

logger = logging.getLogger(__name__)
_POLL_SECONDS = 2.0
_WARN_AFTER_SECONDS = 10.0
_GIVE_UP_AFTER_SECONDS = 600.0
"""A cluster that cannot hold a worker may be about to grow: machines are started by a queue or by an autoscaler."""


class ClusterCapacity:
    """Polls the free resources of a cluster. Raises `BenchError` if no worker will ever fit."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._free = cluster.free()
        self._polled = time.monotonic()
        self._waiting_since: float | None = None
        self._warned = False
        self._holds = cluster.could_hold()
        if cluster.own and self._holds == 0:
            raise BenchError(f"a worker needs {cluster.options}; this machine has {cluster.describe()}")

    def limit(self, placed: int) -> int:
        """Most workers that should be requested while `placed` of them are running."""
        requested, cluster = self._cluster.options.workers, self._cluster
        if cluster.own:
            return min(requested or self._holds, self._holds)
        # One request that does not fit yet makes an autoscaler start machines.
        return requested or placed + self._free_now() + 1

    def check(self, waiting: bool) -> None:
        """While `waiting` for a first worker, warn the user once; give up if the cluster could not hold any."""
        now = time.monotonic()
        if not waiting:
            self._waiting_since, self._warned = None, False
            return
        if self._waiting_since is None:
            self._waiting_since = now
        waited = now - self._waiting_since
        if waited < _WARN_AFTER_SECONDS or (self._warned and waited < _GIVE_UP_AFTER_SECONDS):
            return
        fits = self._cluster.could_hold()
        has = f"a worker needs {self._cluster.options}; the cluster's machines have {self._cluster.describe()}"
        if not self._warned:
            self._warned = True
            logger.warning("%s", f"{has}; waiting for machines" if fits == 0 else f"workers are slow to start: {has}")
        if fits == 0 and waited >= _GIVE_UP_AFTER_SECONDS:
            raise BenchError(f"{has}; none joined in {waited / 60:.0f} minutes")

    def _free_now(self) -> int:
        now = time.monotonic()
        if now - self._polled >= _POLL_SECONDS:
            self._polled, self._free = now, self._cluster.free()
        return self._free
