"""Runs `bench` commands in forks of a process that has imported everything, and kills them when it is told to.

Reads one request a line, as JSON: `{"words": [...], "env": {...}, "log": path, "answer": path, "signal": 9, "after":
seconds or null, "at_event": number or null}`. The answer is written when the run has ended: `{"code": exit code,
"seconds": s, "events": n}`; until then the file `answer.pid` holds the run's process. Requests run beside each other.

An event is a change of the file system that the run is about to make. A run that is killed at one ends just before it.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

MODULES = (
    *("av", "cv2", "mediapipe", "torch", "torchvision", "pandas", "pyarrow.parquet", "scipy.stats", "skimage"),
    *(
        "bench_lipsync.harness.run.pipeline",
        "bench_lipsync.harness.run.finalize",
        "bench_lipsync.harness.stages.prepare_clip",
        "bench_lipsync.harness.run.executors.inline",
        "bench_lipsync.harness.cli.run",
    ),
    *(
        "bench_lipsync.metrics.image.psnr",
        "bench_lipsync.reports.page.write",
        "bench_lipsync.reports.table.console",
        "bench_lipsync.baselines.nearest_sound.model",
        "matplotlib.figure",
        "rich.table",
    ),
)
CHANGES = frozenset({"os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.utime", "os.truncate"})


def main() -> None:
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ImportError as error:  # Only slower.
            print(f"not ahead: {error}", file=sys.stderr)
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for those who answer.
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _answer(json.loads(line))
            os._exit(0)


def _answer(request: dict[str, Any]) -> None:
    path = Path(request["answer"])
    half = path.with_name(f"{path.name}.half")
    half.write_text(json.dumps(_serve(request)))
    half.replace(path)


def _serve(request: dict[str, Any]) -> dict[str, Any]:
    counted, counter = os.pipe()
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(counted)
        _child(request, counter)
    os.close(counter)
    Path(f"{request['answer']}.pid").write_text(str(pid))
    after = request.get("after")
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if after is not None and time.monotonic() - began >= after:
            os.kill(pid, request["signal"])
            after = None
        time.sleep(0.002)
    with os.fdopen(counted) as stream:
        events = stream.read()
    code, seconds = os.waitstatus_to_exitcode(status), time.monotonic() - began
    return {"code": code, "seconds": seconds, "events": int(events) if events else None}


def _child(request: dict[str, Any], counter: int) -> None:
    """Never returns."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(request["env"])
        events = _Events(request.get("at_event"))
        sys.addaudithook(events.hear)
        sys.argv = ["bench", *request["words"]]
        from bench_lipsync.harness.cli import main as bench

        try:
            bench()
        except SystemExit as done:
            code = done.code if isinstance(done.code, int) else int(done.code is not None)
        except BaseException:
            import traceback

            traceback.print_exc()
        sys.stdout.flush()
        os.write(counter, str(events.count).encode())
    finally:
        os._exit(code)


class _Events:
    def __init__(self, fatal: int | None) -> None:
        self.count = 0
        self._fatal = fatal

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(args[2], int) and bool(args[2] & (os.O_WRONLY | os.O_RDWR))
        if writes or event in CHANGES:
            self.count += 1
            if self.count == self._fatal:
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
