"""Stand-alone: runs one command and ends with it everything that it started, also when whoever asked for it dies.

`python -I supervisor.py OPTIONS COMMAND...` with OPTIONS as JSON (`grace` seconds, `file_bytes`, `cleanup` argv). Its
standard input is a pipe that the caller holds: when that closes, for whatever reason, the command is stopped. On Linux
this process adopts orphaned grandchildren (`PR_SET_CHILD_SUBREAPER`), so that those that left the group are found too.
Exit code: the command's own, 128 + n for one that ended by signal n, 127 for one that could not be started.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_PROC = Path("/proc")
_KILL_SECONDS = 10.0
"""For which killing is repeated; what cannot be killed then sits in the kernel."""


def main() -> int:
    """Start, wait, end all, say how it ended."""
    options, command = json.loads(sys.argv[1]), sys.argv[2:]
    wake, bell = os.pipe()
    os.set_blocking(bell, False)
    signal.set_wakeup_fd(bell)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # Only rings the bell.
    for name in (signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)  # The caller decides, through the pipe.
    _adopt_orphans()
    parent = os.getppid()
    try:
        _limit(options["file_bytes"])  # Inherited.
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - no shell
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    status: int | None = None
    while status is None:
        ready, _, _ = select.select([0, wake], [], [], 1.0)
        if wake in ready:
            os.read(wake, 4096)
        status = _reap(child.pid)
        if 0 in ready or os.getppid() != parent:
            break
    ended = _end_all(child.pid, float(options["grace"]))
    if options["cleanup"]:
        quiet = subprocess.DEVNULL  # "No such container" is the usual, good answer.
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(options["cleanup"], stdin=quiet, stdout=quiet, stderr=quiet, check=False, timeout=60)  # noqa: S603
    status = ended if status is None else status
    child.returncode = 0  # It is reaped; `Popen` must not look for it again.
    return 128 + signal.SIGKILL if status is None else _code(status)


def _limit(file_bytes: int) -> None:
    """No single file may grow beyond this, and no core is dumped."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = file_bytes if hard == resource.RLIM_INFINITY else min(file_bytes, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _reap(wanted: int) -> int | None:
    """Collect all that ended; the wait status of `wanted` if it was among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            found = status if pid == wanted else found
    return found


def _end_all(child: int, grace: float) -> int | None:
    """Ask every descendant to end, then make it. Returns the child's wait status if it had not been collected."""
    began, status = time.monotonic(), None
    asked: set[int] = set()
    while True:
        found = _reap(child)
        status = found if found is not None else status
        left = _descendants()
        passed = time.monotonic() - began
        if not left or passed > grace + _KILL_SECONDS:
            return status
        for pid in left if passed > grace else left - asked:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL if passed > grace else signal.SIGTERM)
        asked |= left
        time.sleep(0.02)


def _descendants() -> set[int]:
    """Everything below this process that still lives."""
    if not _PROC.is_dir():
        return _group()
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                # "pid (any name) state parent ...": the name may hold spaces and brackets.
                state, above = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
                if state != "Z":
                    children.setdefault(int(above), []).append(int(entry.name))
    found: set[int] = set()
    waiting = [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.update(below)
        waiting += below
    return found


def _group() -> set[int]:
    """Without /proc only direct children can be found: those that `ps` lists as ours."""
    listed = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=False)
    rows = [line.split() for line in listed.stdout.splitlines()]
    found, grown = {os.getpid()}, True
    while grown:
        more = {int(row[0]) for row in rows if int(row[1]) in found and "Z" not in row[2]}
        grown = not more <= found
        found |= more
    return found - {os.getpid()}


def _code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    sys.exit(main())
