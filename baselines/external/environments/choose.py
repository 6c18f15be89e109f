"""From what is known of an environment to the backend that uses it."""

from __future__ import annotations

from pathlib import Path

from bench_lipsync.baselines.external.environments.base import Backend, Runtime


def backend(runtime: Runtime) -> Backend:
    """The backend of `runtime`; nothing is started or looked at."""
    if runtime.kind == "docker":
        from bench_lipsync.baselines.external.environments.docker import DockerEnvironment

        return DockerEnvironment(runtime.where)
    if runtime.kind == "uv":
        from bench_lipsync.baselines.external.environments.uv import UvEnvironment

        return UvEnvironment(Path(runtime.where))
    if runtime.kind == "conda":
        from bench_lipsync.baselines.external.environments.conda import CondaEnvironment

        return CondaEnvironment(Path(runtime.where))
    from bench_lipsync.baselines.external.environments.python import PythonEnvironment

    return PythonEnvironment(Path(runtime.where))
