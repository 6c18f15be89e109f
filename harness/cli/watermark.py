"""`bench watermark`: recognising videos that `bench generate` made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bench_lipsync.harness.errors import BenchError, ClipError


def register(app: typer.Typer) -> None:
    """Add the command group to `app`."""
    group = typer.Typer(
        epilog="Example: bench watermark detect dubbed.mp4",
        help="Recognise videos that `bench generate` made.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    # With a single command Typer would make the group that command.
    group.callback()(lambda: None)
    group.command("detect", epilog="Example: bench watermark detect dubbed.mp4 && echo synthetic")(detect)
    app.add_typer(group, name="watermark")


def detect(
    video: Annotated[Path, typer.Argument(help="Any video file.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print the finding as JSON.")] = False,
) -> None:
    """Say whether a video carries the mark of `bench generate`. Exit code 0: yes, 1: no, 2: it cannot be read.

    A yes is wrong for fewer than 1 in 10,000 unmarked videos. A no says little: cropping or strong compression destroys
    the mark.
    """
    from bench_lipsync.harness.watermark.detect import FALSE_ALARM_RATE, MAX_ERRORS
    from bench_lipsync.harness.watermark.detect import detect as look
    from bench_lipsync.harness.watermark.pattern import BITS

    if not video.is_file():
        raise BenchError(f"{video}: no such file")
    try:
        found = look(video)
    except ClipError as error:
        raise BenchError(f"{error.reason}; only a video that FFmpeg can decode can be examined") from error
    if as_json:
        values = {
            "marked": found.marked,
            "bit_errors": found.errors,
            "bits": BITS,
            "max_errors": MAX_ERRORS,
            "frames": found.frames,
            "chance": found.chance,
            "false_alarm_rate": FALSE_ALARM_RATE,
        }
        print(json.dumps(values, indent=1))
    else:
        says = "carries the mark of bench generate" if found.marked else "no mark found"
        print(f"{video}: {says} ({found.errors} of {BITS} bits wrong, at most {MAX_ERRORS} for yes)")
    raise typer.Exit(0 if found.marked else 1)
