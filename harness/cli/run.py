"""`bench run`: the whole path from clips to a table and a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench_lipsync.harness.cli.workers import (
    Address,
    Asked,
    BatchSize,
    ClipMemory,
    ClipTimeout,
    Cpus,
    Gpus,
    Kind,
    Retries,
    Workers,
    run_options,
)

if TYPE_CHECKING:
    from bench_lipsync.harness.run.finalize import PageWriter, RunOutcome
    from bench_lipsync.harness.run.pipeline import RunOptions
    from bench_lipsync.harness.run.spec import RunSpec


_EXAMPLES = """Examples:

bench run --model stylelipsync --dataset hdtf --data-root ~/HDTF --limit 20

bench run -m stylelipsync -m stylelipsync@no-mals -m stylelipsync@box --dataset demo

bench run -m stylelipsync --dataset demo --mode zero-shot,adapted,adapted-no-reg --adapt-seconds 5

bench run -m stylelipsync --dataset voxceleb2 --data-root ~/vox2 --workers 8 --clip-timeout 1800

bench run -m stylelipsync --dataset hdtf --data-root ~/HDTF --shard 2/8"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("run", epilog=_EXAMPLES)(run)


def run(
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Model to measure: NAME, NAME:WEIGHTS, NAME@VARIANT; repeatable."),
    ] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", help="demo, hdtf, voxceleb2 or folder.")] = None,
    data_root: Annotated[Path | None, typer.Option(help="Folder with the footage (demo needs none).")] = None,
    split: Annotated[
        str | None, typer.Option(help="test, train, all, or auto: the test list if at hand, else all.")
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="reconstruction (own audio) or cross (another clip's audio).")
    ] = None,
    mode: Annotated[
        list[str] | None,
        typer.Option(help="zero-shot, adapted (tuned to each person), adapted-no-reg; repeatable or with commas."),
    ] = None,
    adapt_seconds: Annotated[
        float | None,
        typer.Option(help="Footage of each person to adapt on; never scored, in no row. Default: 5.", min=2.0),
    ] = None,
    adapt_steps: Annotated[
        int | None, typer.Option(help="Steps of the adaptation instead of the model's.", min=1)
    ] = None,
    no_reg: Annotated[
        bool, typer.Option("--no-reg", help="Adapt without the sync regulariser (adapted-no-reg).")
    ] = False,
    limit: Annotated[int | None, typer.Option(help="Use at most this many clips.", min=1)] = None,
    metrics: Annotated[str | None, typer.Option(help="Comma-separated, e.g. LSE-C,LSE-D,FID; or all.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed for models and intervals.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML with the same options; flags win over it.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder. Default: runs/DATASET-HASH.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, or auto.")] = "auto",
    batch_size: BatchSize = "auto",
    workers: Workers = "auto",
    executor: Kind = "auto",
    address: Address = None,
    gpus_per_worker: Gpus = 0.0,
    cpus_per_worker: Cpus = 1.0,
    clip_timeout: ClipTimeout = None,
    clip_memory: ClipMemory = None,
    retries: Retries = 2,
    shard: Annotated[
        str | None, typer.Option(help="Do one part of the run, as 2/8; `bench merge` puts the parts together.")
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Say where the time went; writes profile.json and trace.json.")
    ] = False,
    report: Annotated[bool, typer.Option(help="Write report.html.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json instead of the table.")] = False,
) -> None:
    """Prepare the clips, run the models, score them beside the bound rows, and write a run folder.

    Running the same command again recomputes nothing; after an interruption it goes on where it stopped. Numbers do
    not depend on how many workers there are.
    """
    from bench_lipsync.harness.run.spec import load_spec, make_spec

    given: dict[str, Any] = {
        "models": tuple(model) if model else None,
        "dataset": dataset,
        "data_root": data_root,
        "split": split,
        "protocol": protocol,
        "mode": ",".join(mode) if mode else None,
        "limit": limit,
        "metrics": tuple(name.strip() for name in metrics.split(",") if name.strip()) if metrics else None,
        "seed": seed,
    }
    values = load_spec(config) if config else {}
    values.update({key: value for key, value in given.items() if value is not None})
    for key, flag in (("models", "--model"), ("dataset", "--dataset")):
        if key not in values:
            raise typer.BadParameter(f"is needed, for example: bench run {flag} ...", param_hint=flag)
    _add_adaptation(values, adapt_seconds, adapt_steps, no_reg)
    spec = make_spec(values)
    settle_libraries()

    from bench_lipsync.harness.run.pipeline import execute

    asked = Asked(workers, executor, address, gpus_per_worker, cpus_per_worker, clip_timeout, clip_memory, retries)
    options = run_options(asked, device, batch_size, out=out, report=page_writer(report), profile=profile)
    if shard is not None:
        run_shard(spec, options, shard)
        return
    outcome = execute(spec, options)
    show(outcome, as_json)
    raise typer.Exit(exit_code(outcome, spec))


def run_shard(spec: RunSpec, options: RunOptions, text: str) -> None:
    """Do one part and say what comes next."""
    from bench_lipsync.harness.profiling.summary import profile_table
    from bench_lipsync.harness.run.selection import Shard
    from bench_lipsync.harness.run.shards import execute_shard

    shard = Shard.parse(text)
    folder, profile = execute_shard(spec, options, shard)
    if profile:
        print(profile_table(profile), file=sys.stderr)
    print(f"part {shard.number} of {shard.of}: {folder}", file=sys.stderr)
    print(f"when all are done: bench merge {folder.parent}/*.shard-*-of-{shard.of}", file=sys.stderr)


def _add_adaptation(values: dict[str, Any], seconds: float | None, steps: int | None, no_reg: bool) -> None:
    """Options of adaptation go over those of the configuration file."""
    given = {key: value for key, value in (("seconds", seconds), ("steps", steps)) if value is not None}
    if given:
        values["adapt"] = {**(values.get("adapt") or {}), **given}
    if no_reg:
        words = [word.strip() for word in str(values.get("mode", "")).split(",")]
        if "adapted" not in words:
            raise typer.BadParameter("needs --mode adapted", param_hint="--no-reg")
        values["mode"] = ",".join("adapted-no-reg" if word == "adapted" else word for word in words)


def settle_libraries() -> None:
    """Must come before native libraries are loaded, which read the environment then."""
    from bench_lipsync.harness.compute.process_state import set_library_defaults

    set_library_defaults()


def page_writer(report: bool) -> PageWriter | None:
    """What the engine calls to write a run's page; `None` without a report."""
    if not report:
        return None
    from bench_lipsync.reports.page.write import write_run_page

    return write_run_page


def show(outcome: RunOutcome, as_json: bool) -> None:
    """Print a finished run's table, or its `run.json`, and where it lies."""
    from bench_lipsync.harness.profiling.summary import profile_table
    from bench_lipsync.reports.table.console import print_result

    if outcome.profile:
        print(profile_table(outcome.profile), file=sys.stderr)
    if as_json:
        print(outcome.result.model_dump_json(indent=1))
    else:
        print_result(outcome.result)
    print(f"run folder: {outcome.folder}", file=sys.stderr)
    if outcome.report:
        print(f"report:     {outcome.report}", file=sys.stderr)


def exit_code(outcome: RunOutcome, spec: RunSpec) -> int:
    """0, or 1 where an asked model has no value at all."""
    scored = {row.model for row in outcome.result.metrics if row.value is not None}
    return 0 if all(name in scored for name in spec.row_names()) else 1
