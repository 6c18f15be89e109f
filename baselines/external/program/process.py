"""Runs one foreign program under limits; no process of it remains.

The program runs below `baselines.external.program.supervisor`, which ends all its descendants when it is over, when it
is stopped, and when this process dies. POSIX only.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from bench_lipsync.harness.errors import ClipError, Status

TOKEN = "BENCH_RUN_ID"  # noqa: S105 - a variable's name
"""The environment variable that marks a program's processes."""
GRACE = 3.0
"""Seconds between asking a program to end and killing it."""
KEPT_BYTES = 1 << 18
"""Of a program's output that are kept."""
_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_POLL = 0.25
"""Seconds between two measurements of the folder; more where measuring takes long."""
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)")
_PROGRESS = re.compile(r"^.*?\d+%\|.*\|.*$|^\W*$|\b\d+(\.\d+)?\s*(it/s|s/it)\b")
"""Progress bars, and lines of dashes and dots: they do not explain a failure."""
_MAX_REASON = 240
"""Characters of a program's last line that go into a reason."""


class LogTail:
    """The last output of a program in bounded memory; written by one thread, read by another."""

    def __init__(self, kept: int = KEPT_BYTES) -> None:
        self._blocks: deque[bytes] = deque()
        self._size, self._kept, self._lock = 0, kept, threading.Lock()

    def write(self, block: bytes) -> None:
        """Append output; the oldest is dropped beyond the limit."""
        with self._lock:
            self._blocks.append(block)
            self._size += len(block)
            while self._size - len(self._blocks[0]) > self._kept:
                self._size -= len(self._blocks.popleft())

    def lines(self, count: int = 40) -> list[str]:
        """The last lines, without colours, control characters and text overwritten after a carriage return."""
        with self._lock:
            text = b"".join(self._blocks)[-self._kept :].decode("utf-8", "replace")
        shown = (_plain(line.rstrip("\r").rpartition("\r")[2]) for line in text.split("\n"))
        return [line for line in shown if line][-count:]

    def last_words(self) -> str:
        """The last line that is not a progress bar, for a one-line reason; empty if there is none."""
        lines = [line for line in self.lines(200) if not _PROGRESS.search(line)]
        return lines[-1].strip()[:_MAX_REASON] if lines else ""


@dataclass(frozen=True)
class Job:
    """One command and its limits."""

    argv: tuple[str, ...]
    folder: Path
    """Working directory, the only place where growth is watched."""
    variables: Mapping[str, str]
    """The complete environment; nothing is inherited."""
    seconds: float
    grow_bytes: int
    cleanup: tuple[str, ...] = ()
    """A command that ends what runs outside this machine's process table, such as a container."""
    grace: float = field(default=GRACE, kw_only=True)
    limit: float | None = field(default=None, kw_only=True)
    """The total time limit, for the message, where earlier commands have used up part of it."""


class Completed(NamedTuple):
    """A program that ended by itself."""

    code: int
    seconds: float
    log: LogTail

    def problem(self) -> str:
        """How it failed; empty for exit code 0."""
        if self.code == 0:
            return ""
        if self.code == 127:
            return f"the program could not be started: {self.log.last_words()}"
        number = -self.code if self.code < 0 else self.code - 128  # Negative: the supervisor itself.
        names = {int(known): known.name for known in signal.Signals}
        how = f"was ended by {names[number]}" if number in names else f"ended with exit code {self.code}"
        return f"the program {how} after {self.seconds:.0f} s: {self.log.last_words() or 'it printed nothing'}"


def run(job: Job, log: LogTail | None = None) -> Completed:
    """Run a command to its end, whatever its exit code.

    Args:
        job: The command and its limits.
        log: Receives the output; a new one by default.

    Raises:
        ClipError: `timeout`, or `bad_output` for a folder that grew beyond the limit. Whatever is raised, Ctrl-C
            included, no process of the program remains.
    """
    start, log = time.monotonic(), log or LogTail()
    process = _start(job)
    reader = threading.Thread(target=_drain, args=(process.stdout, log), daemon=True)
    reader.start()
    try:
        _watch(process, job, start)
    finally:
        _stop(process, job)
        reader.join(timeout=5)
        if process.stdout is not None and not reader.is_alive():
            process.stdout.close()
    return Completed(process.returncode, time.monotonic() - start, log)


def folder_bytes(folder: Path) -> int:
    """Total size of the files below `folder`; links are not followed, files that vanish meanwhile do not count."""
    total, pending = 0, [str(folder)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


def kill_marked(token: str) -> int:
    """Kill every process that still carries `token` in its environment; returns their number."""
    import psutil

    killed = 0
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(TOKEN) == token:
                process.kill()
                killed += 1
        except (psutil.Error, OSError):
            continue  # It has ended, or belongs to another user.
    return killed


def _start(job: Job) -> subprocess.Popen[bytes]:
    options = {"grace": job.grace, "file_bytes": job.grow_bytes + 1, "cleanup": list(job.cleanup)}
    return subprocess.Popen(  # noqa: S603 - an argument list, no shell
        [sys.executable, "-I", "-S", str(_SUPERVISOR), json.dumps(options), *job.argv],
        cwd=job.folder,
        env=dict(job.variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # The terminal's Ctrl-C reaches only us; we stop the program in order.
        bufsize=0,
    )


def _watch(process: subprocess.Popen[bytes], job: Job, start: float) -> None:
    """Wait for the end. Raises `ClipError` when a limit is exceeded."""
    allowed, pause = folder_bytes(job.folder) + job.grow_bytes, _POLL
    running = True
    while running:
        try:
            process.wait(timeout=max(0.01, min(pause, start + job.seconds - time.monotonic())))
            running = False
        except subprocess.TimeoutExpired:
            if time.monotonic() - start >= job.seconds:
                raise ClipError(Status.TIMEOUT, f"stopped after {job.limit or job.seconds:.0f} s") from None
        measured = time.monotonic()
        if folder_bytes(job.folder) > allowed:  # Also checked after it has ended: perhaps because a write failed.
            raise ClipError(Status.BAD_OUTPUT, f"stopped: it wrote more than {job.grow_bytes / 1e6:.0f} MB")
        pause = max(_POLL, 10 * (time.monotonic() - measured))


def _stop(process: subprocess.Popen[bytes], job: Job) -> None:
    """Close the pipe, which ends a program that still runs, and make sure that the supervisor is gone."""
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
    """Read all output, so that the program never blocks on a full pipe."""
    while stream is not None and (block := stream.read(1 << 16)):
        log.write(block)


def _plain(line: str) -> str:
    bare = _ESCAPES.sub("", line)
    return "".join(letter if letter.isprintable() else " " for letter in bare).rstrip()
