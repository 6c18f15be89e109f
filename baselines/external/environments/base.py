"""The contract of an environment, and what its implementations share."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from bench_lipsync.baselines.external.description import Environment
from bench_lipsync.harness.errors import BenchError

Kind = Literal["python", "uv", "conda", "docker"]


class Runtime(BaseModel):
    """Which environment a model uses; part of its installation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    where: str
    """`python`: the interpreter; `uv`, `conda`: the environment's folder; `docker`: the image."""


@dataclass(frozen=True)
class Location:
    """Where a command runs."""

    folder: Path
    """Working directory."""
    token: str
    """Random; names what must be found again, such as a container."""
    read_only: tuple[Path, ...] = ()
    """Folders outside the working directory that its links point to."""
    gpu: bool = False


class Backend(Protocol):
    """One kind of environment."""

    @property
    def python(self) -> str:
        """What `{python}` stands for."""
        ...

    def problem(self) -> str:
        """Why nothing can run there, found without starting anything; empty if no problem is known."""
        ...

    def argv(self, command: Sequence[str], location: Location, variables: Mapping[str, str]) -> tuple[str, ...]:
        """The argument list that starts `command` in the environment, with `variables` set."""
        ...

    def variables(self, base: Mapping[str, str]) -> dict[str, str]:
        """The variables of the process that `argv` starts, derived from `base`."""
        ...

    def cleanup(self, token: str) -> tuple[str, ...]:
        """A command that ends what runs under `token` outside this machine's process table; empty for none."""
        ...

    def creation(self, environment: Environment, folder: Path) -> tuple[tuple[str, ...], ...]:
        """The commands that create it, in order; the files that they read are written into `folder`."""
        ...


def find_program(name: str, page: str, *others: str) -> str:
    """The path of the first of these programs on PATH.

    Raises:
        BenchError: None is on PATH; the message names `page`, where it can be obtained.
    """
    for candidate in (name, *others):
        if path := shutil.which(candidate):
            return path
    raise BenchError(f"{' or '.join((name, *others))} is not on PATH; see {page}")


def write_requirements(environment: Environment, folder: Path) -> Path:
    """Write the description's packages to a file, so that no requirement can be read as an option of pip."""
    for requirement in environment.packages:
        if requirement.startswith("-") or "\n" in requirement:
            raise BenchError(f"{requirement!r} is no requirement: packages are names with versions, not options of pip")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "requirements.txt"
    path.write_text("\n".join([*environment.packages, ""]), encoding="utf-8")
    return path
