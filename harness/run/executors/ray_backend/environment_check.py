"""Checks that workers of a cluster have the code, libraries, weights, store and footage of the run."""

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

from bench_lipsync.harness import __version__
from bench_lipsync.harness.assets.lookup import asset_digest, asset_present, asset_specs
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.store.mirror import open_store
from bench_lipsync.harness.store.store import Store

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
"""Libraries that results depend on."""
_ENDS = 1 << 20
"""Bytes at each end of a file that are compared; two checkpoints of one network have the same size."""


@dataclass(frozen=True)
class EnvironmentFingerprint:
    """The environment of the run; `check` compares another process's with it."""

    versions: dict[str, str]
    store: str
    """Folder of the store, for messages."""
    note: str
    """Reference of a store entry that the run left."""
    folder: str
    """Working directory, which relative paths begin at."""
    files: tuple[tuple[str, str], ...]
    """Paths, and their `_description`."""

    @classmethod
    def here(cls, store: Store, files: Sequence[Path]) -> EnvironmentFingerprint:
        """Write the note; describe this process and `files`, which are files and folders that tasks will read."""
        note = store.ref(_leave(store, {"from": "run", "nonce": uuid.uuid4().hex}))
        return cls(
            versions(), str(store.root), note, str(Path.cwd()), tuple((str(path), _description(path)) for path in files)
        )

    def check(self, host: str) -> str:
        """Raise `BenchError` for what differs on `host`; returns the reference of an answer to the note.

        Makes the run's working directory that of this process, where there is one of this name.
        """
        own = versions()
        differ = [name for name in self.versions if self.versions[name] != own.get(name)]
        if differ:
            what = ", ".join(f"{name} {own.get(name) or 'none'} instead of {self.versions[name]}" for name in differ)
            raise BenchError(
                f"{host} has {what}. Results would depend on who computed them; install the same bench, with its "
                "constraints.txt, and fetch the same weights on every machine (docs/scaling.md)"
            )
        if Path(self.folder).is_dir():
            os.chdir(self.folder)
        for name, here in self.files:
            there = _description(Path(name))
            if there != here:
                path = Path(self.folder, name)
                raise BenchError(
                    f"{path} is {there} on {host}, and {here} for the run. Mount it at the same path everywhere"
                )
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
            raise BenchError(
                f"{host} cannot write into the store {store.root}: {error}; set BENCH_CACHE there"
            ) from None


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Versions that results depend on, by name: Python, libraries, bench with a hash of its sources, weights."""
    known = {"Python": platform.python_version(), "bench": f"{__version__} (code {_code_hash()})"}
    for name in _LIBRARIES:
        try:
            known[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    weights = [spec.name for spec in asset_specs() if asset_present(spec.name)]
    return known | {f"weights {name}": asset_digest(name)[:8] for name in weights}


def _code_hash() -> str:
    """Eight hex digits of all Python files, by name and content: a checkout can change under the same version."""
    digest = hashlib.sha256()
    for package in _CODE:
        spec = find_spec(f"bench_lipsync.{package}")
        for root in (spec.submodule_search_locations or ()) if spec else ():
            for path in sorted(Path(root).rglob("*.py")):
                digest.update(f"{package}/{path.relative_to(root).as_posix()}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _leave(store: Store, parts: dict[str, str]) -> Path:
    return store.make(_STAGE, parts, lambda folder: None).path


def _description(path: Path) -> str:
    """Describes a path, the same for the same content; the middle of large files is not read."""
    if path.is_dir():
        return "a folder"
    if not path.is_file():
        return "not there"
    size = path.stat().st_size
    with path.open("rb") as stream:
        digest = hashlib.sha256(stream.read(_ENDS))
        stream.seek(max(0, size - _ENDS))
        digest.update(stream.read())
    return f"a file of {size} bytes ({digest.hexdigest()[:8]})"
