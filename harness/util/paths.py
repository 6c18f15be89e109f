"""The cache folder, for everything that can be recomputed or fetched again, and paths as a user writes them."""

from __future__ import annotations

import os
from pathlib import Path

from bench_lipsync.harness.errors import BenchError

CACHE_VARIABLE = "BENCH_CACHE"


def cache_dir() -> Path:
    """`$BENCH_CACHE`, or the user's cache folder for `bench` on this platform.

    Raises `BenchError` where neither is known: a container's user often has no home folder.
    """
    if override := os.environ.get(CACHE_VARIABLE):
        return user_path(override).resolve()
    from platformdirs import user_cache_path

    try:
        return user_cache_path("bench", appauthor=False)
    except RuntimeError:
        raise BenchError(
            f"this user has no home folder for the cache; set {CACHE_VARIABLE} to a folder that you may write to"
        ) from None


def user_path(text: str | Path) -> Path:
    """A path in which `~` stands for the home folder. Raises `BenchError` where there is none."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise BenchError(f"{str(text)!r}: there is no such home folder; write the whole path") from None
