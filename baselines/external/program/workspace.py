"""A private working directory per clip: the user's clone as the program expects it, and nothing shared but large files.

Folders are real and small files are copies, so that whatever a program writes, renames or deletes stays here. Large
files and weights are links; `damaged` tells whether a program wrote through one. A workspace is alive as long as its
owner holds the lock beside it, which the system releases when the owner dies in whatever way.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bench_lipsync.baselines.external.installation.clone import LARGE, PRIVATE, CloneFile, clone_files
from bench_lipsync.baselines.external.program.process import kill_marked
from bench_lipsync.harness.util.paths import cache_dir

logger = logging.getLogger("bench")


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
        """The folders that hold what is linked; a container must see them under the same names."""
        parents = sorted({path.parent for path in self._links})
        return tuple(path for path in parents if not any(other in path.parents for other in parents))

    def link(self, name: str, target: Path) -> None:
        """Let `name` below the folder be `target`, in place of whatever is there. Follows no link of the clone's."""
        real = target.resolve()
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(real)
        self._links[real] = _stamp(real)

    def damaged(self) -> tuple[Path, ...]:
        """Linked files that are no longer what they were."""
        return tuple(path for path, stamp in self._links.items() if not path.is_file() or _stamp(path) != stamp)


def workspaces_root() -> Path:
    """Where all of them are."""
    return cache_dir() / "workspaces"


@contextmanager
def open_workspace(clone: Path, weights: Mapping[str, Path], container: bool = False) -> Iterator[Workspace]:
    """Make a workspace of `clone` with `weights` (name below it: file); removed in any case.

    `container`: a container of its token's name may have to be ended by `remove_stale` as well.
    """
    from filelock import FileLock

    root = workspaces_root()
    root.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(8)
    alive, marker = FileLock(root / f"{token}.lock"), root / f"{token}.container"
    with _janitor():  # Nobody may look between the making and the taking of the lock.
        alive.acquire()
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
        alive.release()
        (root / f"{token}.lock").unlink(missing_ok=True)


def remove_stale() -> int:
    """Remove the workspaces, and kill the processes, of runs that died; returns how many workspaces there were."""
    from filelock import FileLock, Timeout

    root, removed = workspaces_root(), 0
    if not root.is_dir():
        return 0
    with _janitor():
        for lock in root.glob("*.lock"):
            try:
                with FileLock(lock, timeout=0):
                    kill_marked(lock.stem)
                    _end_container(lock.with_suffix(".container"))
                    _remove(root, lock.stem)
                    removed += 1
                    lock.unlink(missing_ok=True)
            except Timeout:
                continue  # At work.
    return removed


def _copy(file: CloneFile, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file.path, place)
    place.chmod(0o755 if file.path.stat().st_mode & 0o100 else 0o644)


def _stamp(path: Path) -> _Stamp:
    found = path.stat()
    return _Stamp(found.st_size, found.st_mtime_ns)


@contextmanager
def _janitor() -> Iterator[None]:
    from filelock import FileLock

    with FileLock(workspaces_root() / "making"):
        yield


def _end_container(marker: Path) -> None:
    """End the container that `marker` tells of, if any."""
    if not marker.exists():
        return
    from bench_lipsync.baselines.external.environments.docker import remove_container

    remove_container(marker.stem)
    marker.unlink(missing_ok=True)


def _remove(root: Path, token: str) -> None:
    """Remove a workspace, with folders that a program has locked itself out of."""

    def open_up(function: Any, path: str, _: object) -> None:
        Path(path).parent.chmod(0o700)
        if Path(path).is_dir() and not Path(path).is_symlink():
            Path(path).chmod(0o700)
        function(path)

    folder = root / token
    for _ in range(3):  # What was just killed may still have been writing.
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
