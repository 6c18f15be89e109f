"""The cache folder, for everything that can be recomputed or fetched again, and paths as a user writes them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from bench_lipsync.harness.errors import BenchError


def cache_dir() -> Path:
    """`$BENCH_CACHE`, or the user's cache folder for `bench` on this platform.

    Raises `BenchError` where neither is known: a container's user often has no home folder.
    """
    if override := os.environ.get("BENCH_CACHE"):
        return user_path(override).resolve()
    from platformdirs import user_cache_path

    try:
        return user_cache_path("bench", appauthor=False)
    except RuntimeError:
        raise BenchError(
            "this user has no home folder for the cache; set BENCH_CACHE to a folder that you may write to"
        ) from None


def user_path(text: str | Path) -> Path:
    """A path in which `~` stands for the home folder. Raises `BenchError` where there is none."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise BenchError(f"{str(text)!r}: there is no such home folder; write the whole path") from None


def give_libraries_a_folder() -> None:
    """Let libraries keep their files in the cache if the user has no home folder that can be written to.

    Matplotlib, which MediaPipe imports, would make a new folder each time and say so.
    """
    with suppress(RuntimeError):
        if os.access(Path.home(), os.W_OK):
            return
    with suppress(BenchError):  # Nowhere at all; what needs the cache says so.
        os.environ.setdefault("MPLCONFIGDIR", str(cache_dir() / "matplotlib"))
