"""`bench list`: what there is to choose from."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from bench_lipsync.harness.errors import BenchError


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("list", epilog="Example: bench list models")(list_names)


def list_names(
    what: Annotated[str, typer.Argument(help="models, datasets or metrics")],
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array.")] = False,
) -> None:
    """Names that the other commands take."""
    from bench_lipsync.harness.registry.metric_names import metric_names
    from bench_lipsync.harness.registry.plugins import DATASETS, MODELS

    if what not in {"models", "datasets", "metrics"}:
        raise BenchError(f"cannot list {what!r}; choose models, datasets or metrics")
    registry = MODELS if what == "models" else DATASETS
    # Scorers are asked for their metrics, which imports them all.
    names = list(metric_names().words) if what == "metrics" else registry.names()
    print(json.dumps(names) if as_json else "\n".join(names))
