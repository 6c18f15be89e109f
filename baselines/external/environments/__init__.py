"""Where a foreign program finds its interpreter and libraries: an existing Python, uv, conda or docker."""

from baselines.external.environments.base import Backend, Place, Runtime
from baselines.external.environments.choose import backend

__all__ = ["Backend", "Place", "Runtime", "backend"]
