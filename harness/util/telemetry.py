"""MediaPipe's wheels report every use to their maker over the network; here they do not get out.

Since about 0.10.30 each task that is created makes libmediapipe look up `play.googleapis.com` and send it what was
created where. There is no setting against it. Its own copy of libcurl asks the C environment for a proxy, though, and
gives up, without a look-up or a connection, on one whose kind it does not know. Python's `os.environ` is a copy from
the start of the process and stays as it was, so downloads that the user asks for go their usual way.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import lru_cache

_SET = {"https_proxy": "off://usage-reports.invalid", "no_proxy": "usage-reports.invalid"}
"""What libcurl is told: everything goes through a proxy of no known kind, and nothing goes past it."""
_BEFORE = "BENCH_BEFORE_"


@lru_cache(maxsize=1)
def keep_reports_in() -> bool:
    """Must come before the first task is created. False on Windows, where a firewall has to do it."""
    if sys.platform == "win32":
        return False
    library = ctypes.CDLL(None)
    done = True
    for name, value in _SET.items():
        before = os.environ.get(name, "")
        if before != value:  # else this is a child of a process that did it already
            library.setenv((_BEFORE + name).encode(), os.fsencode(before), 1)
        done &= library.setenv(name.encode(), value.encode(), 1) == 0
    return done


def proxy_of_the_user() -> None:
    """In a child of a process that kept reports in, give `os.environ` back what the user had set."""
    for name, value in _SET.items():
        if os.environ.get(name) != value:
            continue
        del os.environ[name]
        if before := os.environ.pop(_BEFORE + name, ""):
            os.environ[name] = before
        keep_reports_in.cache_clear()
