"""A private working directory per clip: the user's clone as the program expects it; only large files are shared.

Folders are real and small files are copies, so that whatever a program writes, renames or deletes stays here. Large
files and weights are links; `damaged` reports whether a program wrote through one. A workspace is in use as long as its
owner holds the lock beside it, which the system releases when the owner dies.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bench_lipsync.baselines.external.program.process import kill_marked
from bench_lipsync.baselines.external.program.repository import LARGE, PRIVATE, CloneFile, clone_files
from bench_lipsync.harness.util.paths import cache_dir

logger = logging.getLogger(__name__)


class _Stamp(NamedTuple):
    size: int
    changed: int


@dataclass
class Workspace:
    """One clip's working directory; made by `open_workspace`."""

    token: str
    """Random; marks the processes and names the container."""
    folder: Path
    _links: dict[Path, _Stamp] = field(default_factory=dict)

    @property
    def temporary(self) -> Path:
        """For the program's temporary files."""
        return self.folder / PRIVATE / "tmp"

    @property
    def linked_folders(self) -> tuple[Path, ...]:
        """The folders of the link targets; a container must see them under the same names."""
        parents = sorted({path.parent for path in self._links})
        return tuple(path for path in parents if not any(other in path.parents for other in parents))

    def link(self, name: str, target: Path) -> None:
        """Replace `name` below the folder by a link to `target`; links of the clone are not followed."""
        real = target.resolve()
        link = self.folder / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(real)
        self._links[real] = _stamp(real)

    def damaged(self) -> tuple[Path, ...]:
        """Linked files that have changed since they were linked."""
        return tuple(path for path, stamp in self._links.items() if not path.is_file() or _stamp(path) != stamp)


def workspaces_root() -> Path:
    """The folder of all workspaces."""
    return cache_dir() / "workspaces"


@contextmanager
def open_workspace(clone: Path, weights: Mapping[str, Path], container: bool = False) -> Iterator[Workspace]:
    """A workspace of a clone, which is removed in any case.

    Args:
        clone: The user's clone.
        weights: Files by their name below the workspace; they are linked.
        container: Whether `remove_stale` may have to end a container named after its token.
    """
    from filelock import FileLock

    root = workspaces_root()
    root.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(8)
    lock, marker = FileLock(root / f"{token}.lock"), root / f"{token}.container"
    with _cleaning_lock():  # `remove_stale` must not see a lock file that is not held yet.
        lock.acquire()
        if container:
            marker.touch()
    try:
        space = Workspace(token, root / token)
        space.temporary.mkdir(parents=True)
        for file in clone_files(clone):
            if file.size > LARGE:
                space.link(file.name, file.path)
            else:
                _copy(file, space.folder / file.name)
        for name, path in weights.items():
            space.link(name, path)
        yield space
    finally:
        _remove(root, token)
        marker.unlink(missing_ok=True)
        lock.release()
        (root / f"{token}.lock").unlink(missing_ok=True)


def remove_stale(remove_container: Callable[[str], None]) -> int:
    """Remove the workspaces of runs that died, and kill their processes.

    Args:
        remove_container: Called with the token of each workspace that may have a container.

    Returns:
        The number of workspaces removed.
    """
    from filelock import FileLock, Timeout

    root, removed = workspaces_root(), 0
    if not root.is_dir():
        return 0
    with _cleaning_lock():
        for lock in root.glob("*.lock"):
            try:
                with FileLock(lock, timeout=0):
                    kill_marked(lock.stem)
                    marker = lock.with_suffix(".container")
                    if marker.exists():
                        remove_container(marker.stem)
                        marker.unlink(missing_ok=True)
                    _remove(root, lock.stem)
                    removed += 1
                    lock.unlink(missing_ok=True)
            except Timeout:
                continue  # In use.
    return removed


def _copy(file: CloneFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file.path, target)
    target.chmod(0o755 if file.path.stat().st_mode & 0o100 else 0o644)


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return _Stamp(status.st_size, status.st_mtime_ns)


@contextmanager
def _cleaning_lock() -> Iterator[None]:
    from filelock import FileLock

    with FileLock(workspaces_root() / "making"):
        yield


def _remove(root: Path, token: str) -> None:
    """Remove a workspace, including folders whose permissions a program has taken away."""

    def open_up(function: Any, path: str, _: object) -> None:
        Path(path).parent.chmod(0o700)
        if Path(path).is_dir() and not Path(path).is_symlink():
            Path(path).chmod(0o700)
        function(path)

    folder = root / token
    for _ in range(3):  # A process that was just killed may still have been writing.
        if not folder.exists():
            return
        try:
            if sys.version_info >= (3, 12):
                shutil.rmtree(folder, onexc=open_up)
            else:
                shutil.rmtree(folder, onerror=open_up)
        except OSError as error:
            logger.debug("removing %s: %s", folder, error)
    if folder.exists():
        logger.warning("%s could not be removed; the next run tries again", folder)
