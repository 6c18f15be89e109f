"""`bench baselines doctor`: checks of an external model's installation, each with the command that fixes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from bench_lipsync.baselines.external.catalogue import load
from bench_lipsync.baselines.external.description import Description
from bench_lipsync.baselines.external.environments import Runtime, backend
from bench_lipsync.baselines.external.environments.inventory import Inventory, take_inventory
from bench_lipsync.baselines.external.installation import (
    Installation,
    find_weight,
    installed,
    read_installation,
    setup_command,
)
from bench_lipsync.baselines.external.program.repository import clone_state
from bench_lipsync.harness.errors import BenchError

State = Literal["ok", "note", "missing"]
_WAYS = ("--python EXE", "--uv", "--conda create", "--docker IMAGE")


class Check(NamedTuple):
    """One line of the report."""

    name: str
    state: State
    """`missing`: the model cannot run. `note`: it can, but the reader should know."""
    detail: str
    fix: str = ""
    """A command or an address."""


def examine(name: str) -> list[Check]:
    """Check everything that a model needs, without changing or fetching anything.

    Args:
        name: Name of an external model, or the path of a description.

    Raises:
        BenchError: There is no such model, or its description is invalid.
    """
    description = load(name)
    checks = [_verified(description)]
    try:
        installation = read_installation(description.name)
    except BenchError as error:
        return [*checks, Check("set up", "missing", str(error))]
    if installation is None:
        checks.append(Check("set up", "missing", "nothing is set up yet", setup_command(description)))
        checks += (
            Check(weight.file, "note" if weight.optional else "missing", "not here", f"from {weight.page}")
            for weight in description.weights
        )
        return checks
    checks += _clone(description, Path(installation.repository))
    checks += _weights(description, installation)
    checks += _environment(description, installation.environment)
    return checks


class Row(NamedTuple):
    """A model in `bench baselines list`."""

    name: str
    title: str
    licence: str
    verified: str
    """Date and manner of its run against the real repository; empty: never."""
    state: str
    """`ready`, or what is missing."""


def overview(name: str) -> Row:
    """State of a model according to its record; its environment is not started."""
    try:
        description = load(name)
    except BenchError as error:
        return Row(name, "", "", "", str(error))
    try:
        installed(description)
        state = "ready"
    except BenchError as error:
        state = "not set up" if " is not set up" in str(error) else str(error)
    return Row(description.name, description.title, description.licence, description.verified, state)


def _verified(description: Description) -> Check:
    if description.verified:
        return Check("description", "ok", f"run against the real repository: {description.verified}")
    return Check(
        "description", "note", "written from the repository's source, never run against it; look at the first results"
    )


def _clone(description: Description, clone: Path) -> Iterator[Check]:
    setup = f"bench baselines setup {description.name} --repo {description.repository}"
    if not clone.is_dir():
        yield Check("clone", "missing", f"{clone} is gone", setup)
        return
    state, commit = clone_state(clone), description.commit
    if state.is_at(commit):
        yield Check("clone", "ok", f"{clone} at {commit}")
    elif not state.commit:
        yield Check("clone", "note", f"{clone} is no git clone; whether it is at {commit} is unknown", setup)
    elif state.commit.startswith(commit):
        yield Check("clone", "note", f"{clone} has changes", f"git -C {clone} diff shows them; git -C {clone} stash")
    else:
        yield Check("clone", "note", f"{clone} is at {state}, not at {commit}", f"git -C {clone} checkout {commit}")
    for script in _scripts(description):
        if not (clone / script).exists():
            yield Check(script, "missing", f"the clone has no such file: is {clone} {description.repository}?", setup)


def _scripts(description: Description) -> list[str]:
    """The Python files of the clone that the steps start."""
    scripts = []
    for step in description.steps:
        words = [word for word in step.argv[1:] if word == "-m" or not word.startswith("-")]
        if step.argv[0] != "{python}" or not words:
            continue
        if words[0] == "-m":
            scripts.append(words[1].replace(".", "/") + ".py")
        elif words[0].endswith(".py") and "{" not in words[0]:
            scripts.append(words[0])
    return list(dict.fromkeys(scripts))


def _weights(description: Description, installation: Installation) -> Iterator[Check]:
    setup = f"bench baselines setup {description.name} --weights DIR"
    installed_weights = {weight.file: weight for weight in installation.weights}
    for weight in description.weights:
        known = installed_weights.get(weight.file)
        if known is not None and not (problem := known.problem()):
            origin = "the published sha256" if weight.sha256 else "its authors publish no checksum"
            yield Check(weight.file, "ok", f"{known.path}, sha256 {known.sha256[:12]}, {origin}")
        elif known is not None:
            yield Check(weight.file, "missing", problem, setup)
        elif find_weight(weight.file, (Path(installation.repository),)):
            yield Check(weight.file, "missing", "here, but not hashed yet", f"bench baselines setup {description.name}")
        else:
            state: State = "note" if weight.optional else "missing"
            optional = ", and is not always needed" if weight.optional else ""
            yield Check(weight.file, state, f"not here{optional}", f"from {weight.page}, then {setup}")


def _environment(description: Description, runtime: Runtime | None) -> Iterator[Check]:
    setup = f"bench baselines setup {description.name} "
    described = description.environment
    if runtime is None:
        yield Check("environment", "missing", "none is set up", " or ".join(setup + way for way in _WAYS))
        return
    programs = [f"+{name}" for name in described.programs]
    gpu = described.gpu
    imports = dict.fromkeys((["torch"] if gpu else []) + list(described.imports))
    try:
        inventory = take_inventory(runtime, (*imports, *programs), gpu=gpu)
    except BenchError as error:
        yield Check("environment", "missing", str(error), " or ".join(setup + way for way in _WAYS))
        return
    detail = f"{runtime.kind} {runtime.where}, Python {inventory.python}"
    if f"{inventory.python}.".startswith(f"{described.python}."):
        yield Check("environment", "ok", detail)
    else:
        yield Check("environment", "note", f"{detail}, described for {described.python}")
    yield from _imports(description, runtime, inventory)
    if gpu:
        if inventory.gpu not in ("", "none"):
            yield Check("GPU", "ok", inventory.gpu)
        else:
            yield Check("GPU", "note", "PyTorch sees none there; it will be slow, or fail")


def _imports(description: Description, runtime: Runtime, inventory: Inventory) -> Iterator[Check]:
    """Imports and programs that do not work in the environment."""
    install = f"{backend(runtime).python} -m pip install"
    if runtime.kind == "docker":
        install = f"in the image {runtime.where}: pip install"
    elif runtime.kind == "uv":
        install = f"uv pip install --python {backend(runtime).python}"
    packages = " ".join(f"'{package}'" for package in description.environment.packages)
    problems = inventory.problems
    failing = {name: problems[name] for name in description.environment.imports if problems.get(name)}
    for name, problem in failing.items():
        yield Check(f"import {name}", "missing", problem, f"{install} {packages}")
    for name in description.environment.programs:
        if absent := problems.get(f"+{name}"):
            yield Check(name, "missing", absent, f"install {name} so that it is on PATH")
    if not failing and description.environment.imports:
        yield Check("imports", "ok", ", ".join(description.environment.imports))
