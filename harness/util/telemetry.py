"""Blocks the usage reports that MediaPipe's wheels send over the network.

Since about 0.10.30 each task that is created makes libmediapipe look up `play.googleapis.com` and send it what was
created where. There is no setting against it. Its own copy of libcurl reads a proxy from the C environment, though, and
gives up, without a look-up or a connection, on a proxy of an unknown kind.

Scope: the variables stay set for the life of the process, because libmediapipe sends at times of its own. Python's
`os.environ` is a copy from the start of the process and stays as it was, so downloads from Python take their usual way.
Two things are affected: other libraries of this process that use libcurl, and child processes that are started without
an `env=` of their own. Children of `bench` call `restore_user_proxy`; for others pass `env=dict(os.environ)`.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import lru_cache

_BLOCKING = {"https_proxy": "off://usage-reports.invalid", "no_proxy": "usage-reports.invalid"}
"""For libcurl: a proxy of no known kind for everything, and no exception from it."""
_SAVED = "BENCH_BEFORE_"
"""Begins the variables that keep the user's own settings for child processes."""


@lru_cache(maxsize=1)
def block_usage_reports() -> bool:
    """Set the variables; must come before the first task is created. False on Windows, where a firewall is needed."""
    if sys.platform == "win32":
        return False
    library = ctypes.CDLL(None)
    done = True
    for name, value in _BLOCKING.items():
        own = os.environ.get(name, "")
        if own != value:  # else this is a child of a process that has set it
            library.setenv((_SAVED + name).encode(), os.fsencode(own), 1)
        done &= library.setenv(name.encode(), value.encode(), 1) == 0
    return done


def restore_user_proxy() -> None:
    """In a child of a process that blocks reports, give `os.environ` back the user's own settings."""
    for name, value in _BLOCKING.items():
        if os.environ.get(name) != value:
            continue
        del os.environ[name]
        if own := os.environ.pop(_SAVED + name, ""):
            os.environ[name] = own
        block_usage_reports.cache_clear()
