"""A model's repository on this machine: its clone, fetched by git on request, and the files in it that count."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.files import sha256_file
from bench_lipsync.harness.util.paths import cache_dir

LARGE = 1_000_000
"""Bytes; larger files of the clone are linked, not copied."""
MAX_FILES = 50_000
"""A clone with more files holds a data set, which would be copied for every clip."""
LEFT_OUT = frozenset({".git", "__pycache__"})
PRIVATE = ".bench"
"""Our own folder in the workspace: temporary files, the prelude."""
_PAGE = "https://git-scm.com"
_SECONDS = 1800


class CloneFile(NamedTuple):
    """A regular file of a clone."""

    name: str
    """Below the clone, with forward slashes."""
    path: Path
    """Its location with links resolved."""
    size: int


def clone_files(clone: Path) -> Iterator[CloneFile]:
    """All regular files, in order of their names; links are followed, but not in a circle.

    Raises:
        BenchError: `clone` is no folder, or has more than `MAX_FILES` files.
    """
    cache = cache_dir().resolve()  # It may lie in the clone, and would be copied into itself.

    def below(folder: Path, prefix: str, parents: frozenset[Path]) -> Iterator[CloneFile]:
        real = folder.resolve()
        if real in parents or real == cache:
            return
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.name in LEFT_OUT or entry.name == PRIVATE:
                continue
            name = f"{prefix}{entry.name}"
            try:
                status = entry.stat()
            except OSError:
                continue  # A broken link.
            if stat.S_ISDIR(status.st_mode):
                yield from below(Path(entry.path), f"{name}/", parents | {real})
            elif stat.S_ISREG(status.st_mode):
                yield CloneFile(name, Path(entry.path).resolve(), status.st_size)

    if not clone.is_dir():
        raise BenchError(f"{clone} is not a folder; bench baselines setup NAME --repo PATH says where the clone is")
    for count, file in enumerate(below(clone, "", frozenset()), start=1):
        if count > MAX_FILES:
            raise BenchError(
                f"{clone} has more than {MAX_FILES} files; move data out of the clone, or give another one"
            )
        yield file


def clone_digest(clone: Path, weights: Mapping[str, Path]) -> str:
    """sha256 over names and contents of a clone's files.

    Args:
        clone: Folder of the clone.
        weights: Files by their name below the clone that are left out, because they have a hash of their own.

    Returns:
        64 hex digits. Files above `LARGE` count by size and modification time.
    """
    digest = hashlib.sha256()
    for file in clone_files(clone):
        if file.name in weights:
            continue
        large = file.size > LARGE
        content = f"{file.size} {file.path.stat().st_mtime_ns}" if large else sha256_file(file.path)
        digest.update(f"{file.name}\0{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


class CloneState(NamedTuple):
    """The state of a clone according to git."""

    commit: str
    """40 hex digits; empty for a folder that is no clone of its own."""
    modified: bool
    """Whether tracked files were changed."""

    def __str__(self) -> str:
        return f"{self.commit[:10] or 'no commit'}{', modified' if self.modified else ''}"

    def is_at(self, commit: str) -> bool:
        """Whether it is unmodified at `commit`, which may be abbreviated."""
        return bool(self.commit) and self.commit.startswith(commit) and not self.modified


def clone_state(clone: Path) -> CloneState:
    """The commit that `clone` is at; hooks and helpers named in its configuration are not run."""
    if not (clone / ".git").exists() or shutil.which("git") is None:
        return CloneState("", modified=False)
    head = _git("-C", str(clone), "rev-parse", "--verify", "HEAD")
    changes = _git("-C", str(clone), "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")
    if head.returncode:
        return CloneState("", modified=False)
    return CloneState(head.stdout.strip(), modified=bool(changes.stdout.strip()))


def fetch_clone(url: str, commit: str, folder: Path) -> Path:
    """`git clone` into `folder`, with submodules, at `commit`; `folder` appears only when it is complete.

    Raises:
        BenchError: `url` is neither https nor a file URL, or git fails.
    """
    if not url.startswith(("https://", "file://")):
        raise BenchError(f"{url!r} is neither a folder nor an address that begins with https://")
    if shutil.which("git") is None:
        raise BenchError(f"git is not on PATH; see {_PAGE}, or give --repo a folder")
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        _run_git("clone", "--quiet", "--no-checkout", "--", url, str(part))
        _run_git("-C", str(part), "checkout", "--quiet", "--detach", commit, "--")
        if (part / ".gitmodules").is_file():
            _run_git("-C", str(part), "submodule", "--quiet", "update", "--init", "--recursive")
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return folder


def is_address(text: str) -> bool:
    """Whether a user's `--repo` is an address to fetch rather than a folder."""
    return "://" in text or text.startswith("git@")


def _run_git(*words: str) -> None:
    completed = _git(*words)
    if completed.returncode:
        reason = (completed.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BenchError(f"git {words[0] if words[0] != '-C' else words[2]} failed: {reason}")


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    """Run git without prompts, without the clone's hooks, and without protocols that run programs."""
    options = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
    safe = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "https:file", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(  # noqa: S603 - an argument list, no shell
            ["git", *options, *words],  # noqa: S607 - the user's own git
            env={**os.environ, **safe},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"git {' '.join(words[:1])} did not end within {_SECONDS} s") from None
