"""The cache folder, for everything that can be recomputed or fetched again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """`$BENCH_CACHE`, or the user's cache folder for `bench` on this platform."""
    override = os.environ.get("BENCH_CACHE")
    if override:
        return Path(override).expanduser().resolve()
    from platformdirs import user_cache_path

    return user_cache_path("bench", appauthor=False)
