"""Environments whose interpreter runs directly on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench_lipsync.baselines.external.description import Environment
from bench_lipsync.baselines.external.environments.base import Location, find_program, write_requirements


class PythonEnvironment:
    """An existing interpreter, given by its path; uv and conda environments run the same way."""

    def __init__(self, interpreter: Path) -> None:
        self._interpreter = interpreter

    @property
    def python(self) -> str:
        """The interpreter. Links are not resolved: a virtual environment is recognised by its link."""
        return str(self._interpreter)

    def problem(self) -> str:
        """Whether the interpreter exists."""
        if not self._interpreter.is_file() or not os.access(self._interpreter, os.X_OK):
            return f"there is no interpreter at {self._interpreter}"
        return ""

    def argv(self, command: Sequence[str], location: Location, variables: Mapping[str, str]) -> tuple[str, ...]:
        """The command unchanged; PATH finds the environment's programs first (see `variables`)."""
        return tuple(command)

    def variables(self, base: Mapping[str, str]) -> dict[str, str]:
        """`base` with the interpreter's folder first in PATH."""
        path = base.get("PATH", os.defpath)
        return {**base, "PATH": f"{self._interpreter.parent}{os.pathsep}{path}"}

    def cleanup(self, token: str) -> tuple[str, ...]:
        """Empty: nothing runs outside this machine's process table."""
        return ()

    def creation(self, environment: Environment, folder: Path) -> tuple[tuple[str, ...], ...]:
        """Empty: the user made it."""
        return ()


class UvEnvironment(PythonEnvironment):
    """A virtual environment in `folder`, created by uv, which also fetches the requested Python version."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "bin" / "python")
        self._folder = folder

    def creation(self, environment: Environment, folder: Path) -> tuple[tuple[str, ...], ...]:
        """`uv venv`, then `uv pip install`."""
        uv = find_program("uv", "https://docs.astral.sh/uv")
        create = (uv, "venv", "--quiet", "--python", environment.python, str(self._folder))
        if not environment.packages:
            return (create,)
        requirements = write_requirements(environment, folder)
        return (create, (uv, "pip", "install", "--quiet", "--python", self.python, "--requirement", str(requirements)))


class CondaEnvironment(PythonEnvironment):
    """A conda environment at `prefix`, used through its interpreter without activation scripts."""

    def __init__(self, prefix: Path) -> None:
        super().__init__(prefix / "bin" / "python")
        self._prefix = prefix

    def variables(self, base: Mapping[str, str]) -> dict[str, str]:
        """The variables of an activated environment; packages' own activation scripts are not run."""
        return {**super().variables(base), "CONDA_PREFIX": str(self._prefix)}

    def creation(self, environment: Environment, folder: Path) -> tuple[tuple[str, ...], ...]:
        """`conda create` (`$CONDA_EXE`, or `conda`, `mamba`, `micromamba` on PATH), then pip."""
        conda = os.environ.get("CONDA_EXE") or find_program("conda", "https://conda-forge.org", "mamba", "micromamba")
        packages = (f"python={environment.python}", "pip", *environment.conda)
        create = (conda, "create", "--yes", "--quiet", "--prefix", str(self._prefix), *packages)
        if not environment.packages:
            return (create,)
        requirements = write_requirements(environment, folder)
        return (create, (self.python, "-m", "pip", "install", "--requirement", str(requirements)))
