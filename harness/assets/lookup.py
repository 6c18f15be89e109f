"""Weights and models by name: fetched into the cache when first needed, verified by sha256, never substituted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench_lipsync.harness.assets.cache import file_path, is_present, locked
from bench_lipsync.harness.assets.catalog import CATALOG, AssetFile, AssetSpec
from bench_lipsync.harness.errors import BenchError, suggest
from bench_lipsync.harness.util.files import sha256_file

__all__ = [
    "AssetFile",
    "AssetMissing",
    "AssetSpec",
    "asset_available",
    "asset_digest",
    "asset_path",
    "asset_present",
    "asset_spec",
    "asset_specs",
    "fetch_assets",
    "verify_asset",
]


class AssetMissing(BenchError):  # noqa: N818 - public name
    """An asset that is not here and could not be fetched; the message lists what was tried and the way out."""

    def __init__(self, text: str, *names: str) -> None:
        super().__init__(text)
        self.names = names
        """The assets that are missing."""

    @property
    def short(self) -> str:
        """`no weights syncnet_v2 here: bench assets fetch syncnet_v2`."""
        if not self.names:
            return super().short
        return f"no weights {' and '.join(self.names)} here: bench assets fetch {' '.join(self.names)}"


def asset_specs() -> tuple[AssetSpec, ...]:
    """Every known asset, in the order of the catalogue."""
    return tuple(CATALOG.values())


def asset_spec(name: str) -> AssetSpec:
    """The catalogue's entry. Raises `BenchError` with the nearest names."""
    if name in CATALOG:
        return CATALOG[name]
    raise BenchError(f"no asset is called {name!r}; {suggest(name, CATALOG)}")


def asset_path(name: str) -> Path:
    """The asset's file (or, where it has several, the folder that holds them), fetched if need be.

    Raises `AssetMissing`, also for one that is not here and whose licence is the user's to accept.
    """
    spec = asset_spec(name)
    if not asset_present(name):
        if spec.asks_first:
            raise AssetMissing(
                f"asset {name!r} ({spec.size / 1e6:.1f} MB), needed for {spec.used_by}, is not here and not fetched "
                f"by itself: {spec.licence}. If that fits your use:  bench assets fetch {name}",
                name,
            )
        fetch_assets([name])
    first = file_path(spec, spec.files[0])
    return first if len(spec.files) == 1 else first.parent


def asset_present(name: str) -> bool:
    """Whether every file of it is in the cache with the right size (digests were checked on the way in)."""
    spec = asset_spec(name)
    return all(is_present(spec, file) for file in spec.files)


def asset_available(name: str) -> bool:
    """Whether it is in the cache, in a folder of `BENCH_ASSETS` or on the package index; nothing is fetched."""
    spec = asset_spec(name)
    return asset_present(name) or spec.on_index or all(_own_folders(file) for file in spec.files)


def asset_digest(name: str) -> str:
    """sha256 of the asset's first file as it lies in the cache, for fingerprints and provenance."""
    spec = asset_spec(name)
    first = spec.files[0]
    return first.sha256 if first.folder is not None else sha256_file(_fetched(spec, first))


def fetch_assets(names: Iterable[str]) -> None:
    """Bring the assets into the cache; two that share an archive download it once, two processes wait for each other.

    Raises `AssetMissing` for the first that no source gives; unfinished downloads stay for the next try.
    """
    from bench_lipsync.harness.assets.fetch import SourceError, fetch_file

    specs = [asset_spec(name) for name in names]
    with locked() as downloads:
        for spec in specs:
            for file in spec.files:
                if is_present(spec, file):
                    continue
                target = file_path(spec, file)
                target.parent.mkdir(parents=True, exist_ok=True)
                problems: list[tuple[str, str]] = []
                for source in (*_own_folders(file), *file.sources):
                    try:
                        fetch_file(file, source, target, downloads)
                        break
                    except SourceError as error:
                        problems.append((source, str(error)))
                else:
                    raise AssetMissing(_missing(spec, file, problems), spec.name)
        # Archives are kept only until every requested member has been extracted.
        shutil.rmtree(downloads, ignore_errors=True)


def verify_asset(name: str) -> str | None:
    """Hash the files in the cache: `None` when all are right, else one line that says what is wrong."""
    spec = asset_spec(name)
    for file in spec.files:
        path = file_path(spec, file)
        if not path.is_file():
            return f"{file.name} is not in the cache"
        digest, size = sha256_file(path), path.stat().st_size
        if not file.matches(digest, size):
            return f"{path} has sha256 {digest} and {size} bytes, expected {file.sha256} and {file.size}; delete it"
    return None


def _own_folders(file: AssetFile) -> list[str]:
    """The file in the folders of `BENCH_ASSETS`, where a laboratory keeps its copies."""
    folders = [Path(name) for name in os.environ.get("BENCH_ASSETS", "").split(os.pathsep) if name]
    return [f"file:{folder / file.name}" for folder in folders if (folder / file.name).is_file()]


def _fetched(spec: AssetSpec, file: AssetFile) -> Path:
    asset_path(spec.name)
    return file_path(spec, file)


def _missing(spec: AssetSpec, file: AssetFile, problems: Sequence[tuple[str, str]]) -> str:
    tried = "".join(f"\n  tried {source}\n    {reason}" for source, reason in problems)
    path = "FOLDER" if len(spec.files) > 1 else "PATH"
    return (
        f"asset {spec.name!r} ({file.name}, {file.size / 1e6:.1f} MB), needed for {spec.used_by}, is not here{tried}"
        f"\n  try again with a network:  bench assets fetch {spec.name}"
        f"\n  or get it from {spec.page} and:  bench assets add {spec.name} {path}"
    )
