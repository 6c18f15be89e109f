"""The clone of a model's repository: fetched by git where the user says so, and which commit it is at."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from bench_lipsync.harness.errors import BenchError

_PAGE = "https://git-scm.com"
_SECONDS = 1800


class CloneState(NamedTuple):
    """What git says of a clone."""

    commit: str
    """40 hex digits; empty for a folder that is no clone of its own."""
    modified: bool
    """Whether tracked files were changed."""

    def __str__(self) -> str:
        return f"{self.commit[:10] or 'no commit'}{', modified' if self.modified else ''}"

    def is_at(self, commit: str) -> bool:
        """Whether it is unmodified at `commit`, which may be short."""
        return bool(self.commit) and self.commit.startswith(commit) and not self.modified


def clone_state(clone: Path) -> CloneState:
    """The commit at which `clone` is; hooks and helpers that its configuration names are not run."""
    if not (clone / ".git").exists() or shutil.which("git") is None:
        return CloneState("", modified=False)
    head = _git("-C", str(clone), "rev-parse", "--verify", "HEAD")
    changed = _git("-C", str(clone), "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")
    if head.returncode:
        return CloneState("", modified=False)
    return CloneState(head.stdout.strip(), modified=bool(changed.stdout.strip()))


def fetch_clone(url: str, commit: str, place: Path) -> Path:
    """`git clone` into `place`, with submodules, at `commit`; `place` appears only when it is complete.

    Raises `BenchError` for an address that is neither https nor a folder, and for whatever git says.
    """
    if not url.startswith(("https://", "file://")):
        raise BenchError(f"{url!r} is neither a folder nor an address that begins with https://")
    if shutil.which("git") is None:
        raise BenchError(f"git is not on PATH; see {_PAGE}, or give --repo a folder")
    part = place.with_name(f"{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        _must("clone", "--quiet", "--no-checkout", "--", url, str(part))
        _must("-C", str(part), "checkout", "--quiet", "--detach", commit, "--")
        if (part / ".gitmodules").is_file():
            _must("-C", str(part), "submodule", "--quiet", "update", "--init", "--recursive")
        part.rename(place)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return place


def is_address(text: str) -> bool:
    """Whether a user's `--repo` is to be fetched, and is no folder."""
    return "://" in text or text.startswith("git@")


def _must(*words: str) -> None:
    done = _git(*words)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BenchError(f"git {words[0] if words[0] != '-C' else words[2]} failed: {said}")


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    """git, which asks nothing, runs no hook of a clone, and speaks no protocol that runs programs."""
    safe = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
    asked = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "https:file", "GIT_OPTIONAL_LOCKS": "0"}
    variables = {**os.environ, **asked}
    try:
        return subprocess.run(  # noqa: S603 - an argument list, no shell
            ["git", *safe, *words],  # noqa: S607 - the user's own git
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"git {' '.join(words[:1])} did not end within {_SECONDS} s") from None
