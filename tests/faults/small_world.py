"""A small world for runs that are killed, starved and repeated: short real clips, cheap rows, and a quick start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from harness.clip import SAMPLE_RATE, SAMPLES_PER_FRAME
from harness.datasets.demo.dataset import render_clip
from harness.datasets.demo.plan import plans
from harness.paths import cache_dir

FRAMES = 42
REPOSITORY = Path(__file__).resolve().parents[2]
FORKS = Path(__file__).with_name("fork_bench.py")


def make_clips(folder: Path, count: int = 3) -> Path:
    """The first frames of `count` demo clips of different people, as `folder/PERSON/clip.mp4`."""
    from harness.media import decode_audio, decode_video, write_preview

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
    return {"BENCH_CACHE": str(cache), "BENCH_STORE": "", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}


def full_command(arguments: list[str], cache: Path, **how: Any) -> subprocess.Popen[str]:
    """`bench ARGUMENTS` with Python's own start and all imports, as the leader of a process group."""
    command = [sys.executable, "-c", "from harness.cli import main; main()", *arguments]
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
    hidden = [path for path in folder.rglob("*") if path.name.startswith(".")]
    return [str(path) for path in (*hidden, *(cache / "store/tmp").glob("*"), *(cache / "store/leases").glob("*"))]


class Ended(NamedTuple):
    """How a forked run ended."""

    code: int
    """As `subprocess` gives it: negative for a signal."""
    seconds: float
    events: int | None
    """Changes of the file system that it made; `None` if it was killed."""
    said: str


class Forks:
    """Starts runs in forks of a process that has imported everything: Python's own start takes far longer."""

    def __init__(self) -> None:
        env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(FORKS)]
        pipe = subprocess.PIPE
        self._server = subprocess.Popen(command, env=env, text=True, stdin=pipe, stdout=pipe)  # noqa: S603, our own
        assert self._answer() == "ready"

    def run(self, arguments: list[str], cache: Path, **kill: Any) -> Ended:
        """Run `bench ARGUMENTS`; `after` (seconds) with `signal`, or `at_event`, says when it is killed."""
        log = cache / "said.txt"
        env = environment(cache)
        log.write_text("")
        print(
            json.dumps({"words": arguments, "env": env, "log": str(log), **kill}), file=self._server.stdin, flush=True
        )
        answer = json.loads(self._answer())
        return Ended(**answer, said=log.read_text(encoding="utf-8", errors="replace"))

    def close(self) -> None:
        """End the process."""
        self._server.stdin.close()
        self._server.wait(timeout=60)

    def _answer(self) -> str:
        return str(self._server.stdout.readline()).strip()
