"""`bench baselines setup`: from a clone, a folder of weights and an environment to a model that can run."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bench_lipsync.baselines.external.catalogue import load
from bench_lipsync.baselines.external.description import Description
from bench_lipsync.baselines.external.environments import Runtime, backend
from bench_lipsync.baselines.external.environments.base import Kind
from bench_lipsync.baselines.external.installation.inventory import take_inventory
from bench_lipsync.baselines.external.installation.record import (
    Installation,
    InstalledWeight,
    hash_weights,
    home,
    read_installation,
    setup_command,
    write_installation,
)
from bench_lipsync.baselines.external.installation.repository import fetch_clone, is_address
from bench_lipsync.harness.errors import BenchError


@dataclass(frozen=True)
class Wish:
    """What the user gave; what is empty stays as it was set up before."""

    repo: str = ""
    """A folder, or an address that git fetches."""
    weights: str = ""
    """A folder in which the weights lie, by their whole path or their bare name."""
    python: str = ""
    uv: bool = False
    conda: str = ""
    """A prefix, or `create`."""
    docker: str = ""
    """An image, or `build`."""


def set_up(name: str, wish: Wish, tell: Callable[[str], None] = print) -> Installation:
    """Do what `wish` says for the model `name` (or description file), and keep it for the next runs.

    Raises `BenchError` for whatever cannot be done; the record of what was set up before then stays as it is.
    """
    description = load(name)
    before = read_installation(description.name)
    clone = _clone(description, wish.repo, before, tell)
    given = Path(wish.weights).expanduser().resolve() if wish.weights else None
    if given is not None and not given.is_dir():
        raise BenchError(f"{wish.weights} is not a folder; --weights takes the folder in which the weights lie")
    weights = _weights(description, (given, clone), before, tell)
    runtime = _runtime(description, wish, tell) or (before.environment if before else None)
    made = Installation(name=description.name, repository=str(clone), weights=weights, environment=runtime)
    write_installation(made)
    return made


def _clone(description: Description, repo: str, before: Installation | None, tell: Callable[[str], None]) -> Path:
    """The folder of the clone, fetched if it is an address."""
    if not repo:
        if before is None:
            raise BenchError(f"say where the clone is, or where to fetch it from: {setup_command(description)}")
        return Path(before.repository)
    if not is_address(repo):
        clone = Path(repo).expanduser().resolve()
        if not clone.is_dir():
            raise BenchError(f"{repo} is not a folder; --repo takes a clone, or {description.repository}")
        return clone
    place = home(description.name) / "repository"
    if place.exists():
        raise BenchError(f"{place} is already there; remove it to fetch it again, or give --repo {place}")
    tell(f"fetching {repo} at {description.commit}; its licence: {description.licence}")
    return fetch_clone(repo, description.commit, place)


def _weights(
    description: Description,
    folders: tuple[Path | None, ...],
    before: Installation | None,
    tell: Callable[[str], None],
) -> tuple[InstalledWeight, ...]:
    """What is found now, and of what is not, what was known and is still the same."""
    if description.weights:
        tell("hashing weights")
    found = {item.file: item for item in hash_weights(description, tuple(folder for folder in folders if folder))}
    known = {item.file: item for item in before.weights if not item.problem()} if before else {}
    merged = {**known, **found}
    return tuple(merged[weight.file] for weight in description.weights if weight.file in merged)


def _runtime(description: Description, wish: Wish, tell: Callable[[str], None]) -> Runtime | None:
    """The environment that was asked for, made if it has to be, and tried."""
    asked = {"python": wish.python, "uv": wish.uv, "conda": wish.conda, "docker": wish.docker}
    kinds = [kind for kind, value in asked.items() if value]
    if len(kinds) > 1:
        raise BenchError(f"--{' and --'.join(kinds)} cannot go together: one environment a model")
    if not kinds:
        return None
    runtime, make = _placed(description, cast(Kind, kinds[0]), str(asked[kinds[0]]))
    if make:
        _create(description, runtime, tell)
    tell("asking the environment what it holds")
    take_inventory(runtime)
    return runtime


def _placed(description: Description, kind: Kind, where: str) -> tuple[Runtime, bool]:
    """Where the environment is, and whether it has to be made."""
    own = home(description.name)
    if kind == "python":
        found = shutil.which(where) or where
        return Runtime(kind=kind, where=str(Path(found).expanduser().absolute())), False
    if kind == "uv":
        return Runtime(kind=kind, where=str(own / "uv")), True
    if kind == "conda":
        make = where == "create"
        return Runtime(kind=kind, where=str(own / "conda" if make else Path(where).expanduser().absolute())), make
    make = where == "build"
    return Runtime(kind=kind, where=f"bench-{description.name.replace('+', '-')}" if make else where), make


def _create(description: Description, runtime: Runtime, tell: Callable[[str], None]) -> None:
    """Run the backend's commands; the user sees what they print."""
    if Path(runtime.where).parent == home(description.name):  # Ours, from an earlier set-up.
        shutil.rmtree(runtime.where, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="bench-environment-") as name:
        for command in backend(runtime).creation(description.environment, Path(name)):
            tell(" ".join(command))
            done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)  # noqa: S603 - an argument list
            if done.returncode:
                way_out = "see above; an environment of your own can be given with --python EXE"
                raise BenchError(f"{' '.join(command[:3])} ... ended with exit code {done.returncode}; {way_out}")
