"""Stand-alone script: runs one command and ends all its descendants with it, also when the caller dies.

`python -I supervisor.py OPTIONS COMMAND...` with OPTIONS as JSON (`grace` seconds, `file_bytes`, `cleanup` argv). Its
standard input is a pipe that the caller holds: when that closes, for whatever reason, the command is stopped. On Linux
this process adopts orphaned grandchildren (`PR_SET_CHILD_SUBREAPER`), so that those in other process groups are found.
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
"""For which killing is repeated; what survives it hangs in the kernel."""


def main() -> int:
    """Start the command, wait for its end, end all its descendants, return its exit code."""
    options, command = json.loads(sys.argv[1]), sys.argv[2:]
    wake, wake_writer = os.pipe()
    os.set_blocking(wake_writer, False)
    signal.set_wakeup_fd(wake_writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # Only so that the wakeup descriptor is written.
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
        quiet = subprocess.DEVNULL  # "No such container" is the usual answer.
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


def _reap(child: int) -> int | None:
    """Collect all processes that ended; the wait status of `child` if it was among them."""
    child_status = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            child_status = status if pid == child else child_status
    return child_status


def _end_all(child: int, grace: float) -> int | None:
    """Terminate every descendant, then kill it. Returns the child's wait status if it had not been collected."""
    start, status = time.monotonic(), None
    terminated: set[int] = set()
    while True:
        collected = _reap(child)
        status = collected if collected is not None else status
        alive = _descendants()
        passed = time.monotonic() - start
        if not alive or passed > grace + _KILL_SECONDS:
            return status
        for pid in alive if passed > grace else alive - terminated:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL if passed > grace else signal.SIGTERM)
        terminated |= alive
        time.sleep(0.02)


def _descendants() -> set[int]:
    """All living descendants of this process. Standard library only: the supervisor runs without site-packages."""
    if not _PROC.is_dir():
        return _descendants_by_ps()
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                # "pid (any name) state parent ...": the name may hold spaces and brackets.
                state, above = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
                if state != "Z":
                    children.setdefault(int(above), []).append(int(entry.name))
    descendants: set[int] = set()
    pending = [os.getpid()]
    while pending:
        below = children.get(pending.pop(), [])
        descendants.update(below)
        pending += below
    return descendants


def _descendants_by_ps() -> set[int]:
    """The same where there is no /proc, from the list of `ps`."""
    listed = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=False)
    rows = [line.split() for line in listed.stdout.splitlines()]
    family, grown = {os.getpid()}, True
    while grown:
        children = {int(row[0]) for row in rows if int(row[1]) in family and "Z" not in row[2]}
        grown = not children <= family
        family |= children
    return family - {os.getpid()}


def _code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    sys.exit(main())
