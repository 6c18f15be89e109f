"""A conda environment, used through its own interpreter without activation scripts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bench_lipsync.baselines.external.description import Environment
from bench_lipsync.baselines.external.environments.python import PythonEnvironment
from bench_lipsync.baselines.external.environments.tools import program, write_requirements


class CondaEnvironment(PythonEnvironment):
    """`where` is the environment's prefix."""

    def __init__(self, prefix: Path) -> None:
        super().__init__(prefix / "bin" / "python")
        self._prefix = prefix

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """As if activated, so far as variables go; packages' own activation scripts are not run."""
        return {**super().variables(given), "CONDA_PREFIX": str(self._prefix)}

    def creation(self, environment: Environment, folder: Path) -> tuple[tuple[str, ...], ...]:
        """`conda create` (`$CONDA_EXE`, or `conda`, `mamba`, `micromamba` on PATH), then pip."""
        conda = os.environ.get("CONDA_EXE") or program("conda", "https://conda-forge.org", "mamba", "micromamba")
        packages = (f"python={environment.python}", "pip", *environment.conda)
        make = (conda, "create", "--yes", "--quiet", "--prefix", str(self._prefix), *packages)
        if not environment.packages:
            return (make,)
        wanted = write_requirements(environment, folder)
        return (make, (self.python, "-m", "pip", "install", "--requirement", str(wanted)))
