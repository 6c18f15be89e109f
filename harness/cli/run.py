"""`bench run`: the whole path from clips to a table and a page."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from harness.pipeline import RunOutcome


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("run", epilog="Example: bench run --model stylelipsync --dataset hdtf --data-root ~/HDTF --limit 20")(
        run
    )


def run(
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Model to measure, or MODEL:WEIGHTS; repeatable."),
    ] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="demo, hdtf, voxceleb2 or folder.")] = None,
    data_root: Annotated[Path | None, typer.Option(help="Folder with the footage (demo needs none).")] = None,
    split: Annotated[
        str | None, typer.Option(help="test, train, all, or auto: the test list if at hand, else all.")
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="reconstruction (own audio) or cross (another clip's audio).")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Use at most this many clips.", min=1)] = None,
    metrics: Annotated[str | None, typer.Option(help="Comma-separated, e.g. LSE-C,LSE-D,FID. Default: all.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed for models and intervals.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML with the same options; flags win over it.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder. Default: runs/DATASET-HASH.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, or auto.")] = "auto",
    batch_size: Annotated[int, typer.Option(help="Frames that a model gets at once.", min=1)] = 8,
    report: Annotated[bool, typer.Option(help="Write report.html.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json instead of the table.")] = False,
) -> None:
    """Prepare the clips, run the models, score them beside the bound rows, and write a run folder.

    Running the same command again recomputes nothing; after an interruption it goes on where it stopped.
    """
    from harness.spec import load_spec, make_spec

    given: dict[str, Any] = {
        "models": tuple(model) if model else None,
        "dataset": dataset,
        "data_root": data_root,
        "split": split,
        "protocol": protocol,
        "limit": limit,
        "metrics": tuple(name.strip() for name in metrics.split(",") if name.strip()) if metrics else None,
        "seed": seed,
    }
    values = load_spec(config) if config else {}
    values.update({key: value for key, value in given.items() if value is not None})
    for key, flag in (("models", "--model"), ("dataset", "--dataset")):
        if key not in values:
            raise typer.BadParameter(f"is needed, for example: bench run {flag} ...", param_hint=flag)
    spec = make_spec(values)
    _settle_libraries()

    from harness.device import pick_device
    from harness.pipeline import RunOptions, execute

    options = RunOptions(out=out, device=pick_device(device), batch_size=batch_size, report=report)
    outcome = execute(spec, options)
    _show(outcome, as_json)
    raise typer.Exit(_exit_code(outcome, spec.models))


def _settle_libraries() -> None:
    """Must come before the imports. MediaPipe's native log lines would tear the progress bars."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Threads that wait by spinning bring everything to a halt where other processes want the same cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _show(outcome: RunOutcome, as_json: bool) -> None:
    from harness.plugins import REPORTS

    if as_json:
        print(outcome.result.model_dump_json(indent=1))
    else:
        REPORTS.get("console")(outcome.result)
    print(f"run folder: {outcome.folder}", file=sys.stderr)
    if outcome.report:
        print(f"report:     {outcome.report}", file=sys.stderr)


def _exit_code(outcome: RunOutcome, models: tuple[str, ...]) -> int:
    scored = {row.model for row in outcome.result.metrics if row.value is not None}
    from harness.loading import row_name

    return 0 if all(row_name(model) in scored for model in models) else 1
