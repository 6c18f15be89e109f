"""A bar for bytes on stderr with rate and time left; plain lines where stderr is not a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LINE_EVERY_SECONDS = 5.0

Report = Callable[[int, "int | None"], None]
"""Called with bytes done and bytes in all (`None` while unknown)."""


@contextmanager
def byte_bar(label: str, total: int | None) -> Iterator[Report]:
    """Show how far `label` is."""
    if not sys.stderr.isatty():
        yield _lines(label)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(label, total=total)

        def report(done: int, whole: int | None) -> None:
            progress.update(task, completed=done, total=whole)

        yield report


def _lines(label: str) -> Report:
    """Lines such as `alexnet.ckpt: 12.3 of 87.3 MB, 3.1 MB/s, 24 s left`: one every few seconds and one at the end."""
    began = said = time.monotonic()
    start: int | None = None
    last = ""

    def report(done: int, whole: int | None) -> None:
        nonlocal said, start, last
        now = time.monotonic()
        start = done if start is None else start  # What an earlier try left is no speed of this one.
        if done != whole and now - said < _LINE_EVERY_SECONDS:
            return
        said = now
        rate = (done - start) / max(now - began, 1e-9)
        left = f", {(whole - done) / rate:.0f} s left" if whole and rate and done < whole else ""
        of = f" of {whole / 1e6:.1f}" if whole else ""
        line = f"{label}: {done / 1e6:.1f}{of} MB, {rate / 1e6:.1f} MB/s{left}"
        if line != last:
            print(line, file=sys.stderr, flush=True)
        last = line

    return report
