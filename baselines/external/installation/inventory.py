"""What an environment holds, asked of its own interpreter: versions, imports that fail, the GPU."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench_lipsync.baselines.external.environments import Place, Runtime, backend
from bench_lipsync.baselines.external.program.command import base_variables
from bench_lipsync.baselines.external.program.process import Job, run
from bench_lipsync.harness.errors import BenchError, ClipError
from bench_lipsync.harness.util.files import sha256_json

_PROBE = Path(__file__).parents[1] / "environments" / "probe.py"


class Inventory(NamedTuple):
    """The answer."""

    python: str
    """Version, as `3.8.18`."""
    digest: str
    """sha256 over the versions of everything installed; part of a model's fingerprint."""
    problems: dict[str, str]
    """Every import that was tried, with why it fails; empty text where it works."""
    gpu: str
    """Its name, `none`, or empty where PyTorch was not among the imports or does not work."""


def take_inventory(runtime: Runtime, imports: Sequence[str] = (), gpu: bool = False, seconds: float = 300) -> Inventory:
    """Start the environment's interpreter and ask. Raises `BenchError` if it does not answer."""
    where = backend(runtime)
    if problem := where.problem():
        raise BenchError(problem)
    with tempfile.TemporaryDirectory(prefix="bench-probe-") as name:
        folder, token = Path(name), secrets.token_hex(8)
        (folder / ".bench" / "tmp").mkdir(parents=True)
        shutil.copyfile(_PROBE, folder / "probe.py")
        given = base_variables(token, folder / ".bench" / "tmp")
        command = where.argv((where.python, "probe.py", *imports), Place(folder, token, gpu=gpu), given)
        job = Job(command, folder, where.variables(given), seconds, 1 << 30, where.cleanup(token))
        try:
            ended = run(job)
        except ClipError as error:
            raise BenchError(f"{runtime.where}: asking what is installed was {error.reason}") from error
    if problem := ended.problem():
        raise BenchError(f"{runtime.where}: {problem}")
    return _read(ended.log.lines(1), runtime)


def _read(lines: Sequence[str], runtime: Runtime) -> Inventory:
    try:
        found = json.loads(lines[-1])
        digest = sha256_json({"python": found["python"], "distributions": found["distributions"]})
        return Inventory(str(found["python"]), digest, dict(found["problems"]), str(found["gpu"]))
    except (ValueError, LookupError, TypeError) as error:
        raise BenchError(f"{runtime.where} does not answer as a Python interpreter does: {lines[-1:]}") from error
