"""What an environment must be able to do, and what is known of one that was set up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from bench_lipsync.baselines.external.description import Environment

Kind = Literal["python", "uv", "conda", "docker"]


class Runtime(BaseModel):
    """Which environment a model uses; part of its installation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    where: str
    """`python`: the interpreter; `uv`, `conda`: the environment's folder; `docker`: the image."""


@dataclass(frozen=True)
class Place:
    """Where a command runs."""

    folder: Path
    """Working directory."""
    token: str
    """Random; names what must be found again, as a container."""
    read_only: tuple[Path, ...] = ()
    """Folders outside it that its links lead to."""
    gpu: bool = False


class Backend(Protocol):
    """One kind of environment."""

    @property
    def python(self) -> str:
        """What `{python}` stands for."""
        ...

    def problem(self) -> str:
        """Why nothing can run there, without starting anything; empty if nothing is known against it."""
        ...

    def argv(self, command: Sequence[str], place: Place, variables: Mapping[str, str]) -> tuple[str, ...]:
        """`command` as it must be started, on this machine, to run there with `variables`."""
        ...

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """The environment of the process that `argv` starts, made of the `given` one."""
        ...

    def cleanup(self, token: str) -> tuple[str, ...]:
        """A command that ends what was started with `token` and is no process of this machine; empty for none."""
        ...

    def creation(self, environment: Environment, folder: Path) -> tuple[tuple[str, ...], ...]:
        """The commands that make it, in order; files that they read are written into `folder`."""
        ...
