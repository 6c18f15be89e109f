"""A small world for runs that are killed, starved and repeated: short real clips, cheap rows, and a quick start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench_lipsync.harness.api.clip import SAMPLE_RATE, SAMPLES_PER_FRAME
from bench_lipsync.harness.datasets.demo.dataset import render_clip
from bench_lipsync.harness.datasets.demo.plan import plans
from bench_lipsync.harness.util.output_marker import MARKER
from bench_lipsync.harness.util.paths import cache_dir

FRAMES = 42
PATIENCE = 900.0
"""Seconds after which a run counts as hanging."""
REPOSITORY = Path(__file__).resolve().parents[2]
FORKS = Path(__file__).with_name("fork_bench.py")


def make_clips(folder: Path, count: int = 3) -> Path:
    """The first frames of `count` demo clips of different people, as `folder/PERSON/clip.mp4`."""
    from bench_lipsync.harness.media import decode_audio, decode_video, write_preview

    people: dict[str, Any] = {}
    for plan in plans("test"):
        people.setdefault(plan.identity, plan)
    for identity, plan in sorted(people.items())[:count]:
        clip = render_clip(plan, cache_dir() / "demo")
        frames = next(iter(decode_video(clip.video, chunk=FRAMES)))
        sound = decode_audio(clip.audio or clip.video)[SAMPLE_RATE // 2 :][: FRAMES * SAMPLES_PER_FRAME]
        (folder / identity).mkdir(parents=True)
        write_preview(folder / identity / "clip.mp4", [frames], sound)
    return folder


def words(clips: Path, out: Path, *more: str) -> list[str]:
    """A run over `clips` with one asked row and the bounds, in one process unless `more` says otherwise."""
    row = ("--model", "static", "--metrics", "PSNR", "--device", "cpu")
    executor = () if "--workers" in more else ("--executor", "local")
    page = () if "--report" in more else ("--no-report",)
    return ["run", *row, "--dataset", "folder", "--data-root", str(clips), "--out", str(out), *executor, *page, *more]


def environment(cache: Path) -> dict[str, str]:
    """What a run with a store of its own needs; weights are shared with the user's cache."""
    kept = cache_dir() / "assets"
    kept.mkdir(parents=True, exist_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    if not (cache / "assets").exists():
        (cache / "assets").symlink_to(kept, target_is_directory=True)
    return {"BENCH_CACHE": str(cache), "BENCH_STORE": "", "OMP_NUM_THREADS": "1"}


def full_command(arguments: list[str], cache: Path, **how: Any) -> subprocess.Popen[str]:
    """`bench ARGUMENTS` with Python's own start and all imports, as the leader of a process group."""
    # Ctrl-C works even where the tests were started in the background, with SIGINT ignored.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{heard}; from bench_lipsync.harness.cli import main; main()", *arguments]
    env = {**os.environ, **environment(cache)}
    return subprocess.Popen(command, env=env, text=True, start_new_session=True, **how)  # noqa: S603, our own


def entries(cache: Path) -> dict[str, int]:
    """Every finished entry of the store by its name, with the inode that says whether it is still the same."""
    found = {}
    for key in (cache / "store").glob("*/??/*/key.json"):
        with suppress(FileNotFoundError):
            found[str(key.parent.relative_to(cache / "store"))] = key.stat().st_ino
    return found


def left_over(cache: Path, folder: Path) -> list[str]:
    """What a run that ended must not leave behind."""
    hidden = [path for path in folder.rglob("*") if path.name.startswith(".") and path.name != MARKER]
    return [str(path) for path in (*hidden, *(cache / "store/tmp").glob("*"), *(cache / "store/leases").glob("*"))]


class Ended(NamedTuple):
    """How a forked run ended."""

    code: int
    """As `subprocess` gives it: negative for a signal."""
    seconds: float
    events: int | None
    """Changes of the file system that it made; `None` if it was killed."""
    said: str


@dataclass
class Forked:
    """A run that goes on in a forked process."""

    answer: Path
    log: Path

    def wait(self, timeout: float = PATIENCE) -> Ended:
        """How it ends."""
        until(self.answer.exists, "the end of a run", timeout)
        said = self.log.read_text(encoding="utf-8", errors="replace")
        return Ended(**json.loads(self.answer.read_text()), said=said)

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        pid = Path(f"{self.answer}.pid")
        until(lambda: pid.exists() and pid.read_text(), "the beginning of a run")
        with suppress(ProcessLookupError):
            os.kill(int(pid.read_text()), signal.SIGKILL)


class Forks:
    """Starts runs in forks of a process that has imported everything: Python's own start takes far longer."""

    def __init__(self) -> None:
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(FORKS)]
        pipe = subprocess.PIPE
        self._server = subprocess.Popen(command, env=env, text=True, stdin=pipe, stdout=pipe)  # noqa: S603, our own
        assert self._server.stdout.readline().strip() == "ready"

    def begin(self, arguments: list[str], cache: Path, **kill: Any) -> Forked:
        """Start `bench ARGUMENTS`; `after` (seconds) with `signal`, or `at_event`, says when it is killed."""
        env = environment(cache)
        answer = cache / f"answer-{uuid.uuid4().hex}"
        run = Forked(answer, answer.with_suffix(".txt"))
        request = {"words": arguments, "env": env, "log": str(run.log), "answer": str(answer), **kill}
        print(json.dumps(request), file=self._server.stdin, flush=True)
        return run

    def run(self, arguments: list[str], cache: Path, **kill: Any) -> Ended:
        """The same, to its end."""
        return self.begin(arguments, cache, **kill).wait()

    def close(self) -> None:
        """End the process."""
        self._server.stdin.close()
        self._server.wait(timeout=60)


def until(ask: Callable[[], object], what: str, timeout: float = PATIENCE) -> None:
    """Wait for `ask` to say yes; nothing may hang."""
    ends = time.monotonic() + timeout
    while not ask():
        assert time.monotonic() < ends, f"waited {timeout:.0f} s for {what}"
        time.sleep(0.01)
