"""Where a foreign program finds its interpreter and libraries: an existing Python, uv, conda or docker."""

from bench_lipsync.baselines.external.environments.base import Backend, Place, Runtime
from bench_lipsync.baselines.external.environments.choose import backend

__all__ = ["Backend", "Place", "Runtime", "backend"]
