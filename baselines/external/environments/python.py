"""An interpreter that is already there; the user installed what the program needs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench_lipsync.baselines.external.description import Environment
from bench_lipsync.baselines.external.environments.base import Place


class PythonEnvironment:
    """An interpreter by its path; `uv` and `conda` environments are used in the same way."""

    def __init__(self, interpreter: Path) -> None:
        self._interpreter = interpreter

    @property
    def python(self) -> str:
        """The interpreter; a link is kept, since it is how a virtual environment is recognised."""
        return str(self._interpreter)

    def problem(self) -> str:
        """Whether there is such a program."""
        if not self._interpreter.is_file() or not os.access(self._interpreter, os.X_OK):
            return f"there is no interpreter at {self._interpreter}"
        return ""

    def argv(self, command: Sequence[str], place: Place, variables: Mapping[str, str]) -> tuple[str, ...]:
        """The command as it is; its programs are found beside the interpreter first (see `variables`)."""
        return tuple(command)

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """With the interpreter's folder first in PATH."""
        path = given.get("PATH", os.defpath)
        return {**given, "PATH": f"{self._interpreter.parent}{os.pathsep}{path}"}

    def cleanup(self, token: str) -> tuple[str, ...]:
        """Nothing runs outside this machine's process table."""
        return ()

    def creation(self, environment: Environment, folder: Path) -> tuple[tuple[str, ...], ...]:
        """Nothing is made: it is the user's own."""
        return ()
