"""A limit on what FFmpeg may ask the system for at once, so that a header's lie does not fill the memory."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path

from bench_lipsync.harness.media.limits import MAX_ALLOCATION

_FOLDERS = ("../av.libs", ".dylibs", "../av.dylibs")
"""Where PyAV's wheels keep FFmpeg, beside the package."""


@lru_cache(maxsize=1)
def limit_allocations() -> bool:
    """Set `MAX_ALLOCATION` in the FFmpeg that PyAV's wheel brings; once a process, for all threads.

    PyAV has no name for this setting. False where FFmpeg comes from elsewhere (conda, a distribution): its own limit of
    2 GiB stays.
    """
    import av

    home = Path(av.__file__).parent
    for folder in _FOLDERS:
        for library in sorted((home / folder).resolve().glob("*avutil*")):
            try:
                # The library is loaded already; this only gives a handle to it.
                set_limit = ctypes.CDLL(str(library)).av_max_alloc
            except (OSError, AttributeError):
                continue
            set_limit.argtypes, set_limit.restype = [ctypes.c_size_t], None
            set_limit(MAX_ALLOCATION)
            return True
    return False
