"""`bench run` and `bench merge`: from clips to a table and a page, in one go or in parts."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench_lipsync.harness.cli import _options as options
from bench_lipsync.harness.cli._run_common import exit_code, given, page_writer, show

if TYPE_CHECKING:
    from bench_lipsync.harness.run.pipeline import RunOptions
    from bench_lipsync.harness.run.spec import RunSpec

_RUN = """Examples:

bench run --model stylelipsync --dataset hdtf --data-root ~/HDTF --limit 20

bench run -m stylelipsync -m stylelipsync@no-mals -m stylelipsync@half-frame --dataset demo

bench run -m stylelipsync --dataset demo --mode zero-shot,adapted,adapted-no-reg --adapt-seconds 5

bench run -m stylelipsync --dataset voxceleb2 --data-root ~/vox2 --workers 8 --clip-timeout 1800

bench run -m stylelipsync --dataset hdtf --data-root ~/HDTF --shard 2/8"""
_MERGE = """Example:

bench run --model stylelipsync --dataset demo --shard 1/2 --out parts/1

bench run --model stylelipsync --dataset demo --shard 2/2 --out parts/2

bench merge parts/1 parts/2 --out runs/demo"""


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("run", epilog=_RUN)(run)
    app.command("merge", epilog=_MERGE)(merge)


def run(
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Model to measure: NAME, NAME:WEIGHTS, NAME@VARIANT; repeatable."),
    ] = None,
    dataset: options.OptionalDataset = None,
    data_root: options.DataRoot = None,
    split: options.OptionalSplit = None,
    protocol: options.Protocol = None,
    mode: options.Mode = None,
    adapt_seconds: Annotated[
        float | None,
        typer.Option(help="Footage of each speaker to adapt on; it is scored in no row. Default: 5.", min=2.0),
    ] = None,
    adapt_steps: Annotated[
        int | None, typer.Option(help="Steps of the adaptation instead of the model's.", min=1)
    ] = None,
    adapt_set: options.AdaptSet = None,
    no_reg: Annotated[
        bool, typer.Option("--no-reg", help="Adapt without the sync regulariser (adapted-no-reg).")
    ] = False,
    limit: options.Limit = None,
    task: options.Task = None,
    clips: options.Clips = None,
    pairs: options.Pairs = None,
    pair_order: options.PairColumns = None,
    clip_seconds: options.ClipSeconds = None,
    metrics: options.Metrics = None,
    seed: options.Seed = None,
    config: Annotated[Path | None, typer.Option(help="YAML with the same options; flags override it.")] = None,
    out: options.RunFolder = None,
    device: options.Device = "auto",
    batch_size: options.BatchSize = "auto",
    workers: options.Workers = "auto",
    executor: options.Kind = "auto",
    address: options.Address = None,
    gpus_per_worker: options.Gpus = 0.0,
    cpus_per_worker: options.Cpus = 1.0,
    clip_timeout: options.ClipTimeout = None,
    clip_memory: options.ClipMemory = None,
    retries: options.Retries = 2,
    shard: Annotated[
        str | None, typer.Option(help="Do one part of the run, as 2/8; `bench merge` combines the parts.")
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Measure where the time goes; writes profile.json and trace.json.")
    ] = False,
    report: options.Report = True,
    force: options.Force = False,
    as_json: options.RunJson = False,
) -> None:
    """Prepare the clips, run the models, score them beside the bound rows, and write a run folder.

    Running the same command again recomputes nothing; after an interruption it continues. Numbers do not depend on the
    number of workers.
    """
    values = options.chosen_clips(options.ClipArgs(clips, pairs, pair_order, clip_seconds, task)) | given(
        models=tuple(model) if model else None,
        dataset=dataset,
        data_root=data_root,
        split=split,
        protocol=protocol,
        mode=",".join(mode) if mode else None,
        limit=limit,
        metrics=options.words(metrics) or None,
        seed=seed,
    )
    settings = dict(options.key_values(adapt_set, "--adapt-set")) or None
    spec = _spec(config, values, given(seconds=adapt_seconds, steps=adapt_steps, settings=settings), no_reg)
    work = options.ExecutorArgs(
        workers, executor, address, gpus_per_worker, cpus_per_worker, clip_timeout, clip_memory, retries
    )
    how = options.run_options(
        work, device, batch_size, out=out, report=page_writer(report), profile=profile, force=force
    )
    if shard is not None:
        _run_shard(spec, how, shard)
        return
    from bench_lipsync.harness.run.pipeline import execute

    outcome = execute(spec, how)
    show(outcome, as_json)
    raise typer.Exit(exit_code(outcome, spec))


def _spec(config: Path | None, values: dict[str, Any], adapt: dict[str, Any], no_reg: bool) -> RunSpec:
    """The specification of a run: options of the command line override those of the configuration file."""
    from bench_lipsync.harness.run.spec import load_spec, make_spec

    values = {**(load_spec(config) if config else {}), **values}
    for key, flag in (("models", "--model"), ("dataset", "--dataset")):
        if key not in values:
            raise typer.BadParameter(f"is needed, for example: bench run {flag} ...", param_hint=flag)
    if adapt:
        values["adapt"] = {**(values.get("adapt") or {}), **adapt}
    if no_reg:
        modes = options.words(str(values.get("mode", "")))
        if "adapted" not in modes:
            raise typer.BadParameter("needs --mode adapted", param_hint="--no-reg")
        values["mode"] = ",".join("adapted-no-reg" if mode == "adapted" else mode for mode in modes)
    return make_spec(values)


def _run_shard(spec: RunSpec, how: RunOptions, text: str) -> None:
    """Do one part and say what comes next."""
    from bench_lipsync.harness.profiling.summary import profile_table
    from bench_lipsync.harness.run.selection import Shard
    from bench_lipsync.harness.run.shards import execute_shard

    shard = Shard.parse(text)
    done = execute_shard(spec, how, shard)
    if done.profile:
        print(profile_table(done.profile), file=sys.stderr)
    print(f"part {shard.number} of {shard.of}: {done.folder}", file=sys.stderr)
    if len(done.parts) < shard.of:
        missing = next(number for number in range(1, shard.of + 1) if number not in done.parts)
        print(f"{len(done.parts)} of {shard.of} parts are here; next: --shard {missing}/{shard.of}", file=sys.stderr)
        return
    named = shlex.join(str(path) for path in done.parts.values())
    whole = "" if done.folder.name.endswith(shard.name) else " --out DIR"
    print(f"all parts are here: bench merge {named}{whole}", file=sys.stderr)


def merge(
    parts: Annotated[list[Path], typer.Argument(help="Folders of all parts, in any order.")],
    out: Annotated[Path | None, typer.Option(help="Run folder. Default: the parts' name without the number.")] = None,
    report: options.Report = True,
    force: options.Force = False,
    as_json: options.RunJson = False,
) -> None:
    """Combine the parts that `bench run --shard` made; the result equals that of a run without parts.

    Only averages are computed again, so it needs no GPU, no footage and no weights of models.
    """
    from bench_lipsync.harness.run.shards import merge as merge_parts
    from bench_lipsync.harness.run.spec import make_spec

    outcome = merge_parts(parts, out, report=page_writer(report), force=force)
    show(outcome, as_json)
    raise typer.Exit(exit_code(outcome, make_spec(outcome.result.spec)))
