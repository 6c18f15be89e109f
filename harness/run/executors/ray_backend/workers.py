"""One worker that is a Ray actor, and words for how actors end."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Literal

from bench_lipsync.harness.run.executors.ray_backend.cluster import Cluster


class RayWorker:
    """One worker; its actor is replaced until one has started."""

    def __init__(self, index: int, cluster: Cluster) -> None:
        self.index = index
        self.host = ""
        """Name of its machine, once it has one."""
        self.gone = False
        self.actor: Any = None
        self.asked: dict[Any, Literal["open", "do", "watch"]] = {}
        """Answers that are waited for."""
        self.nodes: frozenset[str] = frozenset()
        """Machines that lived when the actor was asked for."""
        self._cluster = cluster

    @property
    def name(self) -> str:
        """`w3@host`, or `w3` while it waits for room."""
        return f"w{self.index + 1}@{self.host}" if self.host else f"w{self.index + 1}"

    def send(self, task: Any) -> None:
        """Give it a task."""
        self.asked[self.actor.do.remote(task)] = "do"

    def kill(self) -> None:
        """End it at once; Ray ends what it started."""
        self.gone = True
        self.asked.clear()
        with suppress(Exception):  # Whatever Ray says of one that is gone already.
            self._cluster.ray.kill(self.actor, no_restart=True)


def reason(error: Exception) -> str:
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


def last_line(error: Exception) -> str:
    """Where Ray puts the original message."""
    return str(error).strip().splitlines()[-1]
