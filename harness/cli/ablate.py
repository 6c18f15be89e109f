"""`bench ablate`: what each part of a model contributes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench_lipsync.harness.cli import _options as options
from bench_lipsync.harness.cli._run_common import exit_code, given, page_writer

_EXAMPLES = """Examples:

bench ablate --model stylelipsync --dataset demo

bench ablate --variants variants.yaml --dataset hdtf --data-root ~/HDTF --metrics LSE-C,LSE-D,FID,LPIPS

bench ablate -m stylelipsync --dataset demo --mode zero-shot,adapted --adapt-seconds 2,5

bench ablate -m stylelipsync --task stylelipsync/adaptation --data-root ~/hdtf_clips --adapt-steps 50,100,200"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("ablate", epilog=_EXAMPLES)(ablate)


def ablate(
    dataset: options.OptionalDataset = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="The full model.")] = None,
    variants: Annotated[
        Path | None, typer.Option(help="YAML: `variants: {LABEL: MODEL}`. Default: what the model lists.")
    ] = None,
    mode: options.Mode = None,
    adapt_seconds: Annotated[
        str | None, typer.Option(help="Seconds of footage to adapt on, at least 2; several with commas make a curve.")
    ] = None,
    adapt_steps: Annotated[
        str | None, typer.Option(help="Steps of the adaptation; several with commas make a curve.")
    ] = None,
    adapt_set: options.AdaptSet = None,
    data_root: options.DataRoot = None,
    split: options.OptionalSplit = None,
    limit: options.Limit = None,
    task: options.Task = None,
    clips: options.Clips = None,
    pairs: options.Pairs = None,
    pair_order: options.PairColumns = None,
    clip_seconds: options.ClipSeconds = None,
    metrics: options.Metrics = None,
    seed: options.Seed = None,
    out: options.RunFolder = None,
    device: options.Device = "auto",
    batch_size: options.BatchSize = "auto",
    workers: options.Workers = "auto",
    report: options.Report = True,
    force: options.Force = False,
) -> None:
    """Run or reuse every variant over one clip list with one seed, and write ablation.html, .tex and .md.

    Each variant's difference from the full model has a confidence interval and a paired test over speakers.
    """
    from bench_lipsync.harness.ablation.variants import default_variants, load_variants
    from bench_lipsync.harness.run.spec import make_spec

    if dataset is None and task is None:
        raise typer.BadParameter(
            "is needed, for example: bench ablate -m stylelipsync --dataset demo", param_hint="--dataset"
        )
    if model is None and variants is None:
        raise typer.BadParameter("is needed, or --variants FILE", param_hint="--model")
    compared = load_variants(variants, model) if variants else default_variants(model or "")
    seconds, steps = _numbers(adapt_seconds, "--adapt-seconds"), _numbers(adapt_steps, "--adapt-steps")
    adapt = given(
        seconds=max(seconds, default=None),
        steps=int(max(steps)) if steps else None,
        settings=dict(options.key_values(adapt_set, "--adapt-set")) or None,
    )
    values = options.chosen_clips(options.ClipArgs(clips, pairs, pair_order, clip_seconds, task)) | given(
        models=compared.models,
        dataset=dataset,
        data_root=data_root,
        split=split,
        limit=limit,
        mode=",".join(mode) if mode else None,
        seed=seed,
        metrics=options.words(metrics) or None,
    )
    if adapt:
        values["adapt"] = {**(values.get("adapt") or {}), **adapt}
    spec = make_spec(values)
    if adapt and spec.modes == ("zero-shot",):
        raise typer.BadParameter("says how to adapt, and no mode adapts: --mode zero-shot,adapted")
    from bench_lipsync.harness.ablation.run import carry_out

    work = options.ExecutorArgs(workers)
    how = options.run_options(work, device, batch_size, out=out, report=page_writer(report), force=force)
    done = carry_out(spec, compared, how, seconds, [int(count) for count in steps])
    from bench_lipsync.reports.ablation.page import write_reports
    from bench_lipsync.reports.ablation.tables import print_ablation

    print_ablation(done.ablation)
    for path in write_reports(done.ablation, done.outcome.folder):
        print(path, file=sys.stderr)
    raise typer.Exit(exit_code(done.outcome, spec))


def _numbers(text: str | None, flag: str) -> list[float]:
    try:
        return [float(word) for word in options.words(text)]
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of numbers with commas", param_hint=flag) from None
