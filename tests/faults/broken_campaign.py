"""Runs broken inputs in groups in processes of their own, and says how each ended, dead and hanging ones included."""

from __future__ import annotations

import http.server
import json
import os
import queue
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from broken_media import Picture, write

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
MAX_SECONDS = 150.0
"""Wall time after which a case counts as hanging, on a machine that may do many other things as well."""
STRACE = (
    *("strace", "-f", "-qq", "-A", "-y", "--seccomp-bpf", "-s", "300", "-e"),
    "trace=open,openat,creat,connect,sendto,execve,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat",
)
MAX_ADDRESS_SPACE = 24 << 30
"""Bytes; keeps the machine alive if a limit in the code fails. What is asserted is what was really used."""


@dataclass
class Told:
    """How one case ended."""

    name: str
    ends: list[dict[str, Any]]
    seconds: float = 0.0
    """Of processor time."""
    megabytes: float = 0.0
    log: list[str] = field(default_factory=list)
    broken_rules: list[str] = field(default_factory=list)
    owned: list[str] = field(default_factory=list)

    @property
    def statuses(self) -> set[str]:
        return {end["status"] for end in self.ends}


class _Counting(http.server.BaseHTTPRequestHandler):
    hits: list[str] = []  # noqa: RUF012 - one list for all requests is the point

    def do_GET(self) -> None:
        self.hits.append(self.requestline)
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def counting_server() -> Iterator[tuple[str, list[str]]]:
    """Its `host:port`, and the requests that it got."""
    _Counting.hits = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Counting)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", _Counting.hits
    finally:
        server.shutdown()
        server.server_close()


def make_canary(folder: Path) -> Path:
    """A good video, outside of every data root, that nothing may open."""
    outside = folder / "CANARY-7f3a"
    outside.mkdir()
    return write(outside / "canary.mkv", [Picture()])


@dataclass(frozen=True)
class Campaign:
    """Where broken inputs are tried, and what lies in wait for those who follow where they lead."""

    folder: Path
    canary: Path
    address: str
    shared: Path | None
    trace: Path | None = None
    """File for strace's account of what was opened and connected to."""

    def run(self, names: Sequence[str]) -> Iterator[Told]:
        """Every case of `names` as it ends; a process that dies or hangs is replaced and the rest goes on."""
        left = list(names)
        while left:
            for one in _worker(self, list(left)):
                left.remove(one.name)
                yield one


def _worker(campaign: Campaign, names: list[str]) -> Iterator[Told]:
    folder, canary, shared, trace = campaign.folder, campaign.canary, campaign.shared, campaign.trace
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    order = {"names": names, "canary": str(canary), "address": campaign.address, "scratch": str(scratch)}
    (folder / "order.json").write_text(json.dumps({**order, "shared": str(shared) if shared else ""}))
    command = [sys.executable, str(HERE / "broken_worker.py"), str(folder / "order.json")]
    if trace is not None:
        command = [*STRACE, "-o", str(trace), *command]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
    }
    (folder / "tmp").mkdir(exist_ok=True)
    environment["TMPDIR"] = str(folder / "tmp")
    environment |= {"GLOG_minloglevel": "2", "TF_CPP_MIN_LOG_LEVEL": "2", "http_proxy": "", "no_proxy": "*"}
    with (folder / "stderr.txt").open("ab") as stderr:
        process = subprocess.Popen(  # noqa: S603 - this interpreter and our own file
            command, stdout=subprocess.PIPE, stderr=stderr, stdin=subprocess.DEVNULL, env=environment,
            preexec_fn=_limits,  # noqa: PLW1509 - one thread at this point matters to nobody here
        )  # fmt: skip
        lines: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=_pump, args=(process, lines), daemon=True).start()
        try:
            yield from _follow(process, lines)
        finally:
            process.kill()
            process.wait()


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _pump(process: subprocess.Popen[bytes], lines: queue.Queue[bytes | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def _follow(process: subprocess.Popen[bytes], lines: queue.Queue[bytes | None]) -> Iterator[Told]:
    """Cases as they end; the one in flight when the process dies or says nothing for too long ends with it."""
    current: str | None = None
    began = time.monotonic()
    while True:
        try:
            line = lines.get(timeout=MAX_SECONDS + 60 * (current is None))
        except queue.Empty:
            process.kill()
            yield Told(current or "start", [{"status": "HANG", "reason": f"nothing for {MAX_SECONDS} s"}])
            return
        if line is None:
            if current is not None:
                code = process.wait()
                yield Told(
                    current, [{"status": "CRASH", "reason": f"the process ended with {code}"}], time.monotonic() - began
                )
            elif process.wait() != 0:
                raise RuntimeError(f"the worker could not start: {process.returncode}")
            return
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if "begin" in said:
            current, began = said["begin"], time.monotonic()
        else:
            current = None
            yield Told(said.pop("end"), **said)
