"""The Ray cluster of a run: connects to one or starts one here, and tells how many workers fit into it."""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from bench_lipsync.harness.compute.threads import thread_count
from bench_lipsync.harness.errors import BenchError, first_problem
from bench_lipsync.harness.util.paths import cache_dir

logger = logging.getLogger(__name__)
_OBJECT_STORE_BYTES = 80 << 20
"""Nothing large goes through Ray: results lie in the store."""
_PASSED_ON = ("OMP_WAIT_POLICY", "CUBLAS_WORKSPACE_CONFIG")
_QUIET = {"GLOG_minloglevel": "2", "TF_CPP_MIN_LOG_LEVEL": "2"}
_RAY = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Workers are what is installed on their machine, not a copy of the folder that `uv run` was called in.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@dataclass(frozen=True)
class RayOptions:
    """Where workers run and what each takes. Raises `BenchError` for amounts that Ray cannot allocate."""

    address: str | None = None
    """`auto` (the cluster of this machine), `host:6379`, `ray://host:10001`; `None` starts one on this machine."""
    workers: int | None = None
    """Most workers at once; `None`: as many as fit."""
    gpus: float = 0.0
    """GPUs a worker: a fraction shares one with others, whole numbers take several."""
    cpus: float = 1.0
    """CPU cores a worker."""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise BenchError(f"--workers {self.workers}: at least 1 is needed")
        if not 0 <= self.gpus < math.inf or (self.gpus > 1 and self.gpus != int(self.gpus)):
            raise BenchError(
                f"--gpus-per-worker {self.gpus:g}: a fraction of one GPU such as 0.25, or a whole number of GPUs"
            )
        if not 0 < self.cpus < math.inf or (self.cpus > 1 and self.cpus != int(self.cpus)):
            raise BenchError(f"--cpus-per-worker {self.cpus:g}: a whole number of cores, or a fraction of one")

    @property
    def needs(self) -> dict[str, float]:
        """What a worker takes, by Ray's names."""
        return {"CPU": self.cpus, **({"GPU": self.gpus} if self.gpus else {})}

    def __str__(self) -> str:
        return " and ".join(f"{amount:g} {name}" for name, amount in self.needs.items())


class Cluster:
    """A connection to Ray; `close` ends it, with the cluster if it was started here."""

    def __init__(self, options: RayOptions) -> None:
        self.options = options
        self.ray = import_ray()
        self.own = options.address is None and not self.ray.is_initialized()
        """Started here for this run alone: it never grows."""
        self._connected = not self.ray.is_initialized()
        if self._connected:
            handler = signal.getsignal(signal.SIGTERM)
            self._connect(options.address)
            # Ray's own handler prints a native trace where a batch queue merely ends a job.
            if handler is not None and threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)

    def close(self) -> None:
        """Disconnect, unless the process was connected before."""
        if self._connected:
            self.ray.shutdown()

    def nodes(self) -> dict[str, dict[str, float]]:
        """Total resources of each living machine, by id."""
        return {node["NodeID"]: node["Resources"] for node in self.ray.nodes() if node["Alive"]}

    def could_hold(self) -> int:
        """Workers that would fit into the empty cluster."""
        return sum(self._fits(resources) for resources in self.nodes().values())

    def free(self) -> int:
        """About how many more workers fit now; free resources may be scattered over machines."""
        return self._fits(self.ray.available_resources())

    def has_gpus(self) -> bool:
        """Whether any machine has one."""
        return any(node.get("GPU", 0) for node in self.nodes().values())

    def describe(self) -> str:
        """The machines, for messages."""
        nodes = [
            ", ".join(f"{node.get(kind, 0):g} {kind}" for kind in ("CPU", "GPU")) for node in self.nodes().values()
        ]
        return "; ".join(nodes) or "none"

    def actor(self, kind: type, threads: int) -> Any:
        """Ask for an actor of class `kind`; returns its handle at once."""
        options = self.options
        remote = self.ray.remote(kind).options(
            num_cpus=options.cpus,
            num_gpus=options.gpus,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=threads,
            runtime_env={"env_vars": environment(gpus=bool(options.gpus))},
        )
        return remote.remote()

    def _fits(self, resources: dict[str, float]) -> int:
        return int(min(resources.get(name, 0.0) / amount + 1e-6 for name, amount in self.options.needs.items()))

    def _connect(self, address: str | None) -> None:
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        try:
            if address is None:
                self.ray.init("local", include_dashboard=False, object_store_memory=_OBJECT_STORE_BYTES, **quiet)
            else:
                self.ray.init(address, namespace="bench", **quiet)
        except ImportError as error:  # ray:// needs grpcio.
            raise BenchError(f"--address {address}: {error}; pip install 'ray[client]'") from None
        except (self.ray.exceptions.RayError, ValueError, RuntimeError, OSError) as error:
            if type(error).__name__ == "AuthenticationError":  # Not in the older versions.
                raise BenchError(
                    f"--address {address}: the cluster wants its token. Set RAY_AUTH_MODE=token here, with the head's "
                    "~/.ray/auth_token in place or in RAY_AUTH_TOKEN"
                ) from None
            where = f"--address {address}" if address else "starting Ray on this machine"
            raise BenchError(
                f"{where}: {first_problem(error)}. Start a cluster with `ray start --head` and give its address, or "
                "leave --address out to use this machine alone"
            ) from None


def import_ray() -> ModuleType:
    """Import Ray with its reports and checks off. Raises `BenchError` if it is not installed."""
    for name, value in _RAY.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise BenchError(f"--executor ray needs Ray ({error}): pip install 'bench-lipsync[ray]'") from None
    _silence()
    return ray


def environment(*, gpus: bool) -> dict[str, str]:
    """The variables that workers get; secrets, such as keys of a bucket, are those of their own machines."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("BENCH_") or name in _PASSED_ON}
    # Libraries read their number of threads when they are loaded, and Ray would set one per core.
    variables = {**_QUIET, **ours, "BENCH_CACHE": str(cache_dir()), "OMP_NUM_THREADS": str(thread_count())}
    return variables if gpus else {**variables, "CUDA_VISIBLE_DEVICES": ""}


def _silence() -> None:
    """Send what Ray prints about lost workers and machines to the log: the pool reports losses itself.

    `log_to_driver=False` does not cover these messages, and there is no public setting that does.
    """
    from ray._private import worker

    def keep(data: dict[str, Any], *_: Any, **__: Any) -> None:
        for line in data.get("lines", ()):
            logger.debug("ray: %s", line)

    name: str = "print_to_stdstream"
    known: Callable[..., None] | None = getattr(worker, name, None)
    if known is not None:
        setattr(worker, name, keep)
