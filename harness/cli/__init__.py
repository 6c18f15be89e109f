"""The `bench` command; nothing heavy is imported before a command needs it.

Exit codes: 0 done, 1 done but a requested model has no result (or a check failed), 2 wrong use or missing set-up,
130 interrupted (the same command continues where it stopped).
"""

from __future__ import annotations

import importlib
import logging
import signal
import sys
from pathlib import Path

import typer

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.disk import room_needed
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
    # A batch queue's way to say that the time is up; what it ends tidies up as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.raiseExceptions = False  # A log that cannot be written is no reason for a traceback.
    try:
        register()
        with room_needed(Path()):
            app()
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise  # Nothing of the file system's, so a mistake of ours.
        place = shown(error.filename2 or error.filename)  # The second is where something was to be moved.
        reason = "there is such a file already" if isinstance(error, FileExistsError) else error.strerror
        print(f"bench: {place}: {reason}; give a path that can be used", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        _say_interrupted()
        sys.exit(INTERRUPTED)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:  # Typer's way to pass Ctrl-C on.
            _say_interrupted()
        raise


def _say_interrupted() -> None:
    # What Ctrl-C left half made may fail once more when it is collected, for example a `wave.Wave_write`.
    sys.unraisablehook = lambda _: None
    print("bench: interrupted; the same command goes on where it stopped", file=sys.stderr)
