"""What every worker of a cluster must have in common with the run: the code, the libraries, the store, the footage."""

from __future__ import annotations

import hashlib
import os
import platform
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from harness import __version__
from harness.remote_store import open_store
from harness.status import BenchError
from harness.store import Store

_STAGE = "meeting"
_CODE = ("harness", "models", "metrics", "baselines", "reports")
_LIBRARIES = (
    "av",
    "lpips",
    "mediapipe",
    "numpy",
    "opencv-contrib-python",
    "scikit-image",
    "scipy",
    "torch",
    "torchvision",
)
"""Those that make pixels and numbers."""
_FOLDER = -1
"""In place of a folder's size."""


@dataclass(frozen=True)
class Terms:
    """What the run has; `check` compares it with what is found where it is called."""

    versions: dict[str, str]
    store: str
    """Where the store lies, for messages."""
    note: str
    """Reference of a store entry that the run left."""
    files: tuple[tuple[str, int | None], ...]
    """Absolute paths with their sizes in bytes, as `_size` gives them."""

    @classmethod
    def here(cls, store: Store, files: Sequence[Path]) -> Terms:
        """Write the note; describe this process and `files`, which are files and folders that tasks will read."""
        note = store.ref(_leave(store, {"from": "run", "nonce": uuid.uuid4().hex}))
        sizes = tuple((str(path.absolute()), _size(path)) for path in files)
        return cls(versions(), str(store.root), note, sizes)

    def check(self, host: str) -> str:
        """Raise `BenchError` for what differs on `host`; returns the reference of an answer to the note."""
        own = versions()
        differ = [name for name in self.versions if self.versions[name] != own.get(name)]
        if differ:
            found = ", ".join(f"{name} {own.get(name) or 'none'} instead of {self.versions[name]}" for name in differ)
            raise BenchError(
                f"{host} has {found}. Results would depend on who computed them; install the same bench, with its "
                "constraints.txt, on every machine (docs/scaling.md)"
            )
        for name, size in self.files:
            found_size = _size(Path(name))
            if found_size != size:
                what = "is not there" if found_size is None else f"is another one ({found_size} bytes, not {size})"
                raise BenchError(f"{host} cannot use the footage: {name} {what}. Mount it at the same path everywhere")
        return self._answer(host)

    def _answer(self, host: str) -> str:
        store = open_store()
        try:
            store.file(self.note)
        except BenchError:
            raise BenchError(
                f"{host} does not see the run's store {self.store} (its own is {store.root}). Set BENCH_CACHE to a "
                "folder that all machines share, or BENCH_STORE to a bucket that all can reach (docs/scaling.md)"
            ) from None
        try:
            return store.ref(_leave(store, {"from": f"{host} {os.getpid()}", "to": self.note}))
        except OSError as error:
            raise BenchError(f"{host} cannot write into the store {store.root}: {error}") from None


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Versions of what the results depend on: Python, libraries, and bench, with a hash of its sources."""
    found = {"Python": platform.python_version(), "bench": f"{__version__} (code {_code_hash()})"}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _code_hash() -> str:
    """Eight hex digits of all Python files, by name and content: a checkout can change under the same version."""
    digest = hashlib.sha256()
    for package in _CODE:
        spec = find_spec(package)
        for root in (spec.submodule_search_locations or ()) if spec else ():
            for path in sorted(Path(root).rglob("*.py")):
                digest.update(f"{package}/{path.relative_to(root).as_posix()}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _leave(store: Store, parts: dict[str, str]) -> Path:
    return store.make(_STAGE, parts, lambda folder: None).path


def _size(path: Path) -> int | None:
    """Bytes of a file, `_FOLDER` for a folder, `None` for what is not there."""
    if path.is_dir():
        return _FOLDER
    return path.stat().st_size if path.is_file() else None
