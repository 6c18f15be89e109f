"""Environments of foreign programs: an existing interpreter, uv, conda or docker."""

from __future__ import annotations

from pathlib import Path

from bench_lipsync.baselines.external.environments.base import Backend, Location, Runtime

__all__ = ["Backend", "Location", "Runtime", "backend", "base", "docker", "inventory"]


def backend(runtime: Runtime) -> Backend:
    """The backend of `runtime`; starts nothing and reads nothing."""
    from bench_lipsync.baselines.external.environments import docker, local

    if runtime.kind == "docker":
        return docker.DockerEnvironment(runtime.where)
    environments = {
        "python": local.PythonEnvironment,
        "uv": local.UvEnvironment,
        "conda": local.CondaEnvironment,
    }
    return environments[runtime.kind](Path(runtime.where))
