"""A Ray cluster of several nodes, all on this machine, for tests: real scheduling, real losses, made-up GPUs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

TRICKS = Path(__file__).resolve().parents[1] / "harness/run/executors"
STORE_BYTES = 80 << 20
if str(TRICKS) not in sys.path:
    sys.path.append(str(TRICKS))


class Nodes:
    """The cluster; its nodes have `cpus` and `gpus` each."""

    def __init__(self, cpus: int, gpus: int) -> None:
        from ray.cluster_utils import Cluster

        self._has = {"num_cpus": cpus, "num_gpus": gpus, "object_store_memory": STORE_BYTES}
        self.cluster = Cluster(initialize_head=True, head_node_args={**self._has, "include_dashboard": False})
        self.address = str(self.cluster.address)

    def add(self, **has: Any) -> Any:
        """One more node."""
        return self.cluster.add_node(**{**self._has, **has})

    def remove(self, node: Any, *, graceful: bool = False) -> None:
        """Take a node away; not graceful, its processes are killed like those of a machine that loses power."""
        self.cluster.remove_node(node, allow_graceful=graceful)

    def workers(self) -> list[psutil.Process]:
        """Processes of our actors, wherever in the cluster."""
        found = []
        for process in psutil.Process().children(recursive=True):
            try:
                if process.status() != psutil.STATUS_ZOMBIE and "TaskActor" in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found


@contextmanager
def ray_nodes(count: int = 2, cpus: int = 2, gpus: int = 1) -> Iterator[Nodes]:
    """A cluster of `count` nodes, gone afterwards."""
    pytest.importorskip("ray", reason="NOT CHECKED: Ray is not installed; pip install 'bench-lipsync[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")  # A token would be looked for, or left, in the user's home.
        patch.setenv("OMP_NUM_THREADS", "1")
        path = [str(TRICKS), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
        nodes = Nodes(cpus, gpus)
        try:
            for _ in range(count - 1):
                nodes.add()
            yield nodes
        finally:
            nodes.cluster.shutdown()
