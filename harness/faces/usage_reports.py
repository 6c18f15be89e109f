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

_VARIABLE = "https_proxy"
_NOWHERE = "off://usage-reports.invalid"
_BEFORE = "BENCH_HTTPS_PROXY_BEFORE"


@lru_cache(maxsize=1)
def keep_reports_in() -> bool:
    """Must come before the first task is created. False on Windows, where a firewall has to do it."""
    if sys.platform == "win32":
        return False
    library = ctypes.CDLL(None)
    before = os.environ.get(_VARIABLE, "")
    if before != _NOWHERE:  # a child of a process that did this already
        library.setenv(_BEFORE.encode(), before.encode(), 1)
    return bool(library.setenv(_VARIABLE.encode(), _NOWHERE.encode(), 1) == 0)


def proxy_of_the_user() -> None:
    """In a child of a process that kept reports in, give `os.environ` back what the user had set."""
    if os.environ.get(_VARIABLE) != _NOWHERE:
        return
    before = os.environ.pop(_BEFORE, "")
    if before:
        os.environ[_VARIABLE] = before
    else:
        del os.environ[_VARIABLE]
    keep_reports_in.cache_clear()
