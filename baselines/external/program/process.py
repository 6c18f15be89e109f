"""Run one foreign program under limits, and leave nothing of it behind.

The program runs below `baselines.external.program.supervisor`, which ends all its descendants when it is over, when it
is stopped, and when this process dies. POSIX only.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from bench_lipsync.baselines.external.program.log_tail import LogTail
from bench_lipsync.harness.errors import ClipError, Status

TOKEN = "BENCH_RUN_ID"  # noqa: S105 - a variable's name
"""The environment variable by which a program's processes are known."""
GRACE = 3.0
"""Seconds between asking a program to end and killing it."""
_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_WATCH = 0.25
"""Seconds between two looks at the folder; more where looking takes long."""


@dataclass(frozen=True)
class Job:
    """One command and what it may use."""

    argv: tuple[str, ...]
    folder: Path
    """Working directory, the only place where growth is watched."""
    variables: Mapping[str, str]
    """The whole environment; nothing is inherited."""
    seconds: float
    grow_bytes: int
    cleanup: tuple[str, ...] = ()
    """A command that ends what is beyond this machine's process table, as a container."""
    grace: float = field(default=GRACE, kw_only=True)
    limit: float | None = field(default=None, kw_only=True)
    """The whole time limit, to be told, where earlier commands have used up some of it."""


class Ended(NamedTuple):
    """A program that ended by itself."""

    code: int
    seconds: float
    log: LogTail

    def problem(self) -> str:
        """What went wrong, in words; empty for exit code 0."""
        if self.code == 0:
            return ""
        if self.code == 127:
            return f"the program could not be started: {self.log.last_words()}"
        killed = -self.code if self.code < 0 else self.code - 128  # Negative: the supervisor itself.
        known = {int(number) for number in signal.Signals}
        how = f"was ended by {signal.Signals(killed).name}" if killed in known else f"ended with exit code {self.code}"
        return f"the program {how} after {self.seconds:.0f} s: {self.log.last_words() or 'it printed nothing'}"


def run(job: Job, log: LogTail | None = None) -> Ended:
    """Run to the end, whatever its exit code is; what is printed goes to `log`.

    Raises `ClipError`: `timeout`, or `bad_output` for a folder that grew beyond the limit. Whatever is raised, Ctrl-C
    included, no process of the program is left.
    """
    began, log = time.monotonic(), log or LogTail()
    process = _start(job)
    reader = threading.Thread(target=_drain, args=(process.stdout, log), daemon=True)
    reader.start()
    try:
        _watch(process, job, began)
    finally:
        _finish(process, job)
        reader.join(timeout=5)
        if process.stdout is not None and not reader.is_alive():
            process.stdout.close()
    return Ended(process.returncode, time.monotonic() - began, log)


def _start(job: Job) -> subprocess.Popen[bytes]:
    options = {"grace": job.grace, "file_bytes": job.grow_bytes + 1, "cleanup": list(job.cleanup)}
    return subprocess.Popen(  # noqa: S603 - an argument list, no shell
        [sys.executable, "-I", "-S", str(_SUPERVISOR), json.dumps(options), *job.argv],
        cwd=job.folder,
        env=dict(job.variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # A Ctrl-C of the terminal reaches us alone, and we pass it on in order.
        bufsize=0,
    )


def _watch(process: subprocess.Popen[bytes], job: Job, began: float) -> None:
    """Wait for the end. Raises `ClipError` at the first limit that is passed."""
    allowed, pause = folder_bytes(job.folder) + job.grow_bytes, _WATCH
    running = True
    while running:
        try:
            process.wait(timeout=max(0.01, min(pause, began + job.seconds - time.monotonic())))
            running = False
        except subprocess.TimeoutExpired:
            if time.monotonic() - began >= job.seconds:
                raise ClipError(Status.TIMEOUT, f"stopped after {job.limit or job.seconds:.0f} s") from None
        looked = time.monotonic()
        if folder_bytes(job.folder) > allowed:  # Also of one that ended by itself, perhaps because a write failed.
            raise ClipError(Status.BAD_OUTPUT, f"stopped: it wrote more than {job.grow_bytes / 1e6:.0f} MB")
        pause = max(_WATCH, 10 * (time.monotonic() - looked))


def _finish(process: subprocess.Popen[bytes], job: Job) -> None:
    """Close the pipe, which ends the program if it still runs, and see to it that the supervisor is gone."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(timeout=job.grace + (75 if job.cleanup else 15))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if token := job.variables.get(TOKEN):
        kill_marked(token)


def _drain(stream: IO[bytes] | None, log: LogTail) -> None:
    """Read whatever comes, so that a program that prints much is never held up and no disk fills."""
    while stream is not None and (block := stream.read(1 << 16)):
        log.write(block)


def folder_bytes(folder: Path) -> int:
    """What lies below `folder`, links not followed; what vanishes meanwhile does not count."""
    total, waiting = 0, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


def kill_marked(token: str) -> int:
    """Kill every process that still carries `token` in its environment (Linux); returns how many there were."""
    wanted = f"{TOKEN}={token}".encode()
    found = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if int(entry.name) != os.getpid() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
                found += 1
        except OSError:
            continue  # Gone, or somebody else's.
    return found
