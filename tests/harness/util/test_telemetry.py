"""MediaPipe's reports stay in; what the user set for the network stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_PROGRAM = """
import ctypes, os, subprocess, sys
from bench_lipsync.harness.util.telemetry import block_usage_reports, restore_user_proxy
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
assert block_usage_reports()
child = "from bench_lipsync.harness.util.telemetry import restore_user_proxy as back; import os; back(); "
child += "print(os.environ.get('https_proxy'), os.environ.get('no_proxy'))"
print(getenv(b"https_proxy").decode(), os.environ.get("https_proxy"), flush=True)
subprocess.run([sys.executable, "-c", child], check=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="NOT CHECKED on Windows: the C environment is another one there")
@pytest.mark.parametrize("users", [None, "http://proxy.example:3128"])
def test_only_the_library_sees_the_way_to_nowhere(users: str | None) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("https_proxy", "no_proxy")}
    if users:
        environment |= {"https_proxy": users, "no_proxy": "*"}
    done = subprocess.run(  # noqa: S603 - this interpreter and the program above
        [sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.split() == ["off://usage-reports.invalid", str(users), str(users), "*" if users else "None"]
