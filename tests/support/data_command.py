"""`bench data`, run inside the test's process."""

from __future__ import annotations

from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from bench_lipsync.harness.cli import data


def bench(*args: str | Path) -> Result:
    """`bench data ARGS`; whatever it raises but an exit is raised here."""
    app = typer.Typer(rich_markup_mode=None)
    app.callback()(lambda: None)
    data.register(app)
    result = CliRunner().invoke(app, ["data", *map(str, args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
