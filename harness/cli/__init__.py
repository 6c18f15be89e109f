"""The `bench` command; nothing heavy is imported before a command needs it.

Exit codes: 0 done, 1 done but a requested model has no result (or a check failed), 2 wrong use or missing set-up,
130 interrupted (the same command continues where it stopped).
"""

from __future__ import annotations

import importlib
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TextIO, cast

import typer

from bench_lipsync.harness.compute.process_state import set_library_defaults
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.disk import failed_path, reason_and_way_out, room_needed
from bench_lipsync.harness.util.paths import give_libraries_a_folder
from bench_lipsync.harness.util.sanitize import shown

MODULES = (
    *("run", "score", "report", "generate", "gate", "ablate"),
    *("train", "adapt", "convert", "data", "storage", "baselines", "info"),
)
"""Modules of this package that add commands, in the order of `bench --help`."""
INTERRUPTED = 130

app = typer.Typer(
    name="bench",
    help="Measure lip-sync video models: same clips, signed numbers, bound rows, a page to look at.",
    epilog="Example: bench run --model stylelipsync --dataset demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _root() -> None:
    """Measure lip-sync video models: same clips, signed numbers, bound rows, a page to look at."""


def register() -> None:
    """Add all commands to `app`."""
    for module in MODULES:
        importlib.import_module(f"{__name__}.{module}").register(app)


def main() -> None:
    """Entry point of the console script."""
    interrupted = _interruptible()
    logging.raiseExceptions = False  # A log that cannot be written is no reason for a traceback.
    try:
        set_library_defaults()
        give_libraries_a_folder()
        register()
        with _printed(), room_needed(None):
            app()
    except (Exception, KeyboardInterrupt) as error:
        if interrupted.is_set() or isinstance(error, KeyboardInterrupt):
            _say_interrupted()  # Libraries turn what they are interrupted by into errors of their own.
            sys.exit(INTERRUPTED)
        text = _explained(error)
        if text is None:
            raise
        print(f"bench: {text}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:  # Typer's way to pass Ctrl-C on.
            _say_interrupted()
        raise


def _interruptible() -> threading.Event:
    """End at SIGTERM, a batch queue's way to say that the time is up, as at Ctrl-C; set once one of them has come."""
    interrupted = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # It may be ignored, as behind `nohup`.
        signal.signal(signal.SIGINT, interrupt)
    return interrupted


def _explained(error: BaseException) -> str | None:
    """What the user has to know, on one line; `None` for a mistake of ours."""
    if isinstance(error, BenchError):
        return str(error)
    path = failed_path(error) if isinstance(error, OSError) else None
    if path is None or not isinstance(error, OSError):
        return None
    return f"{shown(path)}: {reason_and_way_out(error, path)}"


class _StandardOutput:
    """Standard output whose errors say what it is: it may be a file on a full disk."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._named():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._named():
            self._stream.flush()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise  # The reader has seen enough, as `head` does.
        except OSError as error:
            raise BenchError(f"writing to standard output failed: {error.strerror}") from None


@contextmanager
def _printed() -> Iterator[None]:
    """Raise `BenchError` if what the block prints does not arrive."""
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() != "utf-8":
        stream.reconfigure(errors="backslashreplace")  # A name of another alphabet is no reason to stop.
    sys.stdout = output = cast(TextIO, _StandardOutput(stream))
    try:
        yield
    finally:
        sys.stdout = stream
        try:
            output.flush()
        except (BenchError, BrokenPipeError) as error:
            # What is left in the buffer would fail once more when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if isinstance(error, BenchError):
                raise


def _say_interrupted() -> None:
    # What Ctrl-C left half made may fail once more when it is collected, for example a `wave.Wave_write`.
    sys.unraisablehook = lambda _: None
    print("bench: interrupted; the same command goes on where it stopped", file=sys.stderr)
