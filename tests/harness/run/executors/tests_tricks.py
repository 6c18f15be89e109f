"""Tasks that misbehave on demand, in a module of their own so that worker processes can import it."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.run.executors.base import WorkerContext


@dataclass(frozen=True)
class Trick:
    """`what` to do; `number` is given back."""

    what: str
    number: int = 0
    folder: Path | None = None
    stage = "tricks"

    @property
    def title(self) -> str:
        return f"{self.what} {self.number}"


@dataclass(frozen=True)
class Tricks:
    """A setup whose workers do tricks."""

    at_start: str = ""

    def open(self, context: WorkerContext) -> Callable[[Trick], object]:
        if self.at_start:
            do(Trick(self.at_start))
        return do


def do(trick: Trick) -> object:
    if trick.what == "wait":
        time.sleep(0.05 * (trick.number % 3))
    elif trick.what == "hang":
        time.sleep(600)
    elif trick.what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif trick.what == "die-once":
        assert trick.folder
        mark = trick.folder / f"died-{trick.number}"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    elif trick.what == "exit":
        os._exit(3)
    elif trick.what == "eat":
        held = bytearray(400 << 20)
        held[::4096] = b"x" * len(held[::4096])
        time.sleep(60)
    elif trick.what == "no-face":
        logging.getLogger("bench_lipsync").warning("looked at %d", trick.number)
        raise ClipError(Status.NO_FACE, "nobody there")
    elif trick.what == "mistake":
        raise BenchError("no such weights; fetch them")
    elif trick.what == "bug":
        raise ZeroDivisionError("a bug")
    return trick.number, os.getpid()
