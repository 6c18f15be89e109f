"""A virtual environment made by uv, which also fetches the Python version that is asked for."""

from __future__ import annotations

from pathlib import Path

from bench_lipsync.baselines.external.description import Environment
from bench_lipsync.baselines.external.environments.python import PythonEnvironment
from bench_lipsync.baselines.external.environments.tools import program, write_requirements


class UvEnvironment(PythonEnvironment):
    """`where` is the environment's folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "bin" / "python")
        self._folder = folder

    def creation(self, environment: Environment, folder: Path) -> tuple[tuple[str, ...], ...]:
        """`uv venv`, then `uv pip install`."""
        uv = program("uv", "https://docs.astral.sh/uv")
        make = (uv, "venv", "--quiet", "--python", environment.python, str(self._folder))
        if not environment.packages:
            return (make,)
        wanted = write_requirements(environment, folder)
        return (make, (uv, "pip", "install", "--quiet", "--python", self.python, "--requirement", str(wanted)))
