"""Contents of an environment, reported by its own interpreter: versions, failing imports, the GPU."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench_lipsync.baselines.external.environments import Location, Runtime, backend
from bench_lipsync.baselines.external.program.command import base_variables
from bench_lipsync.baselines.external.program.process import Job, run
from bench_lipsync.harness.errors import BenchError, ClipError
from bench_lipsync.harness.util.files import sha256_json

_PROBE = Path(__file__).with_name("probe.py")


class Inventory(NamedTuple):
    """The contents of an environment."""

    python: str
    """Version, as `3.8.18`."""
    digest: str
    """sha256 over the versions of all installed distributions; part of a model's fingerprint."""
    problems: dict[str, str]
    """Every import that was tried, with the reason it fails; empty where it works."""
    gpu: str
    """Name of the GPU, `none`, or empty where PyTorch was not among the imports or does not work."""


def take_inventory(runtime: Runtime, imports: Sequence[str] = (), gpu: bool = False, seconds: float = 300) -> Inventory:
    """Start the environment's interpreter and read what it reports.

    Args:
        runtime: The environment.
        imports: Modules to try, and programs to find, with a `+` before their names.
        gpu: Whether a GPU is needed, which a container has to be given.
        seconds: Time limit.

    Raises:
        BenchError: The environment is unusable or does not answer.
    """
    environment = backend(runtime)
    if problem := environment.problem():
        raise BenchError(problem)
    with tempfile.TemporaryDirectory(prefix="bench-probe-") as name:
        folder, token = Path(name), secrets.token_hex(8)
        (folder / ".bench" / "tmp").mkdir(parents=True)
        shutil.copyfile(_PROBE, folder / "probe.py")
        variables = base_variables(token, folder / ".bench" / "tmp")
        location = Location(folder, token, gpu=gpu)
        command = environment.argv((environment.python, "probe.py", *imports), location, variables)
        job = Job(command, folder, environment.variables(variables), seconds, 1 << 30, environment.cleanup(token))
        try:
            completed = run(job)
        except ClipError as error:
            raise BenchError(f"{runtime.where}: asking what is installed was {error.reason}") from error
    if problem := completed.problem():
        raise BenchError(f"{runtime.where}: {problem}")
    return _read(completed.log.lines(1), runtime)


def _read(lines: Sequence[str], runtime: Runtime) -> Inventory:
    try:
        report = json.loads(lines[-1])
        digest = sha256_json({"python": report["python"], "distributions": report["distributions"]})
        return Inventory(str(report["python"]), digest, dict(report["problems"]), str(report["gpu"]))
    except (ValueError, LookupError, TypeError) as error:
        raise BenchError(f"{runtime.where} does not answer as a Python interpreter does: {lines[-1:]}") from error
