"""What the backends share: finding a program, and writing requirements for pip."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench_lipsync.baselines.external.description import Environment
from bench_lipsync.harness.errors import BenchError


def program(name: str, page: str, *others: str) -> str:
    """The path of the first of these programs that is on PATH. Raises `BenchError` with where it is to be had."""
    for candidate in (name, *others):
        if found := shutil.which(candidate):
            return found
    raise BenchError(f"{' or '.join((name, *others))} is not on PATH; see {page}")


def write_requirements(environment: Environment, folder: Path) -> Path:
    """The description's packages as a file, so that no requirement can be taken for an option."""
    for wanted in environment.packages:
        if wanted.startswith("-") or "\n" in wanted:
            raise BenchError(f"{wanted!r} is no requirement: packages are names with versions, not options of pip")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "requirements.txt"
    path.write_text("\n".join([*environment.packages, ""]), encoding="utf-8")
    return path
