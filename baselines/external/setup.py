"""`bench baselines setup`: makes a model runnable from a clone, a folder of weights and an environment."""

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
from bench_lipsync.baselines.external.environments.inventory import take_inventory
from bench_lipsync.baselines.external.installation import (
    Installation,
    InstalledWeight,
    hash_weights,
    home,
    read_installation,
    setup_command,
    write_installation,
)
from bench_lipsync.baselines.external.program.repository import fetch_clone, is_address
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.paths import user_path


@dataclass(frozen=True)
class SetupRequest:
    """The options of `bench baselines setup`; empty ones keep the earlier setup."""

    repo: str = ""
    """A folder, or an address that git fetches."""
    weights: str = ""
    """A folder that holds the weights, by their path or their name alone."""
    python: str = ""
    uv: bool = False
    conda: str = ""
    """A prefix, or `create`."""
    docker: str = ""
    """An image, or `build`."""


def set_up(name: str, request: SetupRequest, tell: Callable[[str], None] = print) -> Installation:
    """Set up a model and record it for the next runs.

    Args:
        name: Name of an external model, or the path of a description.
        request: The user's options.
        tell: Called with one line of progress at a time.

    Raises:
        BenchError: Something cannot be done; an earlier record then stays as it is.
    """
    description = load(name)
    previous = read_installation(description.name)
    clone = _clone(description, request.repo, previous, tell)
    folder = user_path(request.weights).resolve() if request.weights else None
    if folder is not None and not folder.is_dir():
        raise BenchError(f"{request.weights} is not a folder; --weights takes the folder in which the weights lie")
    weights = _weights(description, [folder, clone] if folder else [clone], previous, tell)
    runtime = _runtime(description, request, tell) or (previous.environment if previous else None)
    installation = Installation(name=description.name, repository=str(clone), weights=weights, environment=runtime)
    write_installation(installation)
    return installation


def _clone(description: Description, repo: str, previous: Installation | None, tell: Callable[[str], None]) -> Path:
    """The folder of the clone, fetched if it is an address."""
    if not repo:
        if previous is None:
            raise BenchError(f"say where the clone is, or where to fetch it from: {setup_command(description)}")
        return Path(previous.repository)
    if not is_address(repo):
        clone = user_path(repo).resolve()
        if not clone.is_dir():
            raise BenchError(f"{repo} is not a folder; --repo takes a clone, or {description.repository}")
        return clone
    folder = home(description.name) / "repository"
    if folder.exists():
        raise BenchError(f"{folder} is already there; remove it to fetch it again, or give --repo {folder}")
    tell(f"fetching {repo} at {description.commit}; its licence: {description.licence}")
    return fetch_clone(repo, description.commit, folder)


def _weights(
    description: Description,
    folders: list[Path],
    previous: Installation | None,
    tell: Callable[[str], None],
) -> tuple[InstalledWeight, ...]:
    """The weights below `folders`, and otherwise those of the earlier setup that have not changed."""
    if description.weights:
        tell("hashing weights")
    known = {item.file: item for item in previous.weights if not item.problem()} if previous else {}
    merged = known | {item.file: item for item in hash_weights(description, tuple(folders))}
    return tuple(merged[weight.file] for weight in description.weights if weight.file in merged)


def _runtime(description: Description, request: SetupRequest, tell: Callable[[str], None]) -> Runtime | None:
    """The requested environment, created if necessary, and tried."""
    options = {"python": request.python, "uv": request.uv, "conda": request.conda, "docker": request.docker}
    kinds = [kind for kind, value in options.items() if value]
    if len(kinds) > 1:
        raise BenchError(f"--{' and --'.join(kinds)} cannot go together: one environment a model")
    if not kinds:
        return None
    runtime, create = _locate(description, cast(Kind, kinds[0]), str(options[kinds[0]]))
    if create:
        _create(description, runtime, tell)
    tell("asking the environment what it holds")
    take_inventory(runtime)
    return runtime


def _locate(description: Description, kind: Kind, where: str) -> tuple[Runtime, bool]:
    """The environment, and whether it has to be created."""
    own = home(description.name)
    if kind == "python":
        interpreter = shutil.which(where) or where
        return Runtime(kind=kind, where=str(user_path(interpreter).absolute())), False
    if kind == "uv":
        return Runtime(kind=kind, where=str(own / "uv")), True
    if kind == "conda":
        create = where == "create"
        return Runtime(kind=kind, where=str(own / "conda" if create else user_path(where).absolute())), create
    create = where == "build"
    return Runtime(kind=kind, where=f"bench-{description.name.replace('+', '-')}" if create else where), create


def _create(description: Description, runtime: Runtime, tell: Callable[[str], None]) -> None:
    """Run the backend's commands; their output goes to the terminal."""
    if Path(runtime.where).parent == home(description.name):  # Left by an earlier setup.
        shutil.rmtree(runtime.where, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="bench-environment-") as name:
        for command in backend(runtime).creation(description.environment, Path(name)):
            tell(" ".join(command))
            completed = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)  # noqa: S603 - an argument list
            if completed.returncode:
                way_out = "see above; an environment of your own can be given with --python EXE"
                raise BenchError(f"{' '.join(command[:3])} ... ended with exit code {completed.returncode}; {way_out}")
