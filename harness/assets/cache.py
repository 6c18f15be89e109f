"""Where assets lie in the cache, and the lock under which they are put there."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench_lipsync.harness.assets.catalog import AssetFile, AssetSpec
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.output_marker import tag_cache
from bench_lipsync.harness.util.paths import cache_dir

logger = logging.getLogger(__name__)


def _root() -> Path:
    return cache_dir() / "assets"


def file_path(spec: AssetSpec, file: AssetFile) -> Path:
    """Where the file is or will be."""
    # Files of one asset stay together, in a folder named after the first one's digest.
    return _root() / (spec.files[0].folder or spec.name) / file.name


def is_present(spec: AssetSpec, file: AssetFile) -> bool:
    """Whether it is there with the right size; digests are checked on the way in."""
    path = file_path(spec, file)
    return path.is_file() and path.stat().st_size == file.size


@contextmanager
def locked() -> Iterator[Path]:
    """Hold the cache's lock; yields the folder for downloads."""
    from filelock import FileLock, Timeout

    downloads = _root() / "downloads"
    lock = FileLock(_root() / ".lock")
    try:
        _root().mkdir(parents=True, exist_ok=True)
        tag_cache(_root())
        lock.acquire(timeout=2)
    except OSError as error:
        if not isinstance(error, Timeout):
            raise BenchError(
                f"cannot write to the cache {_root()} ({error}); set BENCH_CACHE to a folder of yours"
            ) from error
        logger.warning("waiting for another process that is fetching assets into %s", _root())
        lock.acquire()
    try:
        downloads.mkdir(exist_ok=True)
        yield downloads
    finally:
        lock.release()
