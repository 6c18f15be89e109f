"""Adds an asset from a file or folder, a URL, or a member of a package that the user names."""

from __future__ import annotations

from pathlib import Path

from bench_lipsync.harness.assets.cache import file_path, locked
from bench_lipsync.harness.assets.catalog import AssetFile, AssetSpec
from bench_lipsync.harness.assets.lookup import AssetMissing, asset_path, asset_spec
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.paths import user_path

_REMOTE = ("http://", "https://", "pypi:")


def add_asset(name: str, source: Path | str) -> Path:
    """Bring the asset into the cache after the same check that every source passes.

    `source` is a file, a folder (where the asset has several files), a URL, or `pypi:package==version!member`.
    Returns what `asset_path` gives. Raises `BenchError` with the digest that was found and the one expected.
    """
    spec = asset_spec(name)
    remote = str(source).startswith(_REMOTE)
    if remote and len(spec.files) > 1:
        raise BenchError(f"{name} has {len(spec.files)} files and {source} is one; give a folder that holds them")
    for file in spec.files:
        _take(spec, file, str(source) if remote else f"file:{_own_file(spec, file, Path(source))}")
    return asset_path(name)


def _own_file(spec: AssetSpec, file: AssetFile, path: Path) -> Path:
    path = user_path(path)
    if not path.exists():
        raise BenchError(f"{path} does not exist; give the file to add as {spec.name}")
    if not path.is_dir() and len(spec.files) > 1:
        names = ", ".join(item.name for item in spec.files)
        raise BenchError(f"{spec.name} has {len(spec.files)} files; give a folder that holds {names}")
    chosen = path / file.name if path.is_dir() else path
    if not chosen.is_file():
        raise BenchError(f"{chosen} is not a file; {spec.name} needs {file.name}")
    return chosen


def _take(spec: AssetSpec, file: AssetFile, source: str) -> None:
    from bench_lipsync.harness.assets.fetch import SourceError, fetch_file
    from bench_lipsync.harness.assets.package_index import without_credentials

    target = file_path(spec, file)
    with locked() as downloads:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            fetch_file(file, source, target, downloads)
        except (SourceError, ValueError) as error:
            shown = without_credentials(source) if "://" in source else source.removeprefix("file:")
            raise AssetMissing(f"{shown} is not {spec.name}: {error}; the original is at {spec.page}") from error
