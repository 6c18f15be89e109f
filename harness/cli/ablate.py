"""`bench ablate`: what each part of a model is worth."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bench_lipsync.harness.cli.workers import Asked, BatchSize, Workers, run_options

_EXAMPLES = """Examples:

bench ablate --model stylelipsync --dataset demo

bench ablate --variants variants.yaml --dataset hdtf --data-root ~/HDTF --metrics LSE-C,LSE-D,FID,LPIPS

bench ablate -m stylelipsync --dataset demo --mode zero-shot,adapted --adapt-seconds 2,5"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("ablate", epilog=_EXAMPLES)(ablate)


def ablate(
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="demo, hdtf, voxceleb2 or folder.")],
    model: Annotated[str | None, typer.Option("--model", "-m", help="The full model.")] = None,
    variants: Annotated[
        Path | None, typer.Option(help="YAML: `variants: {LABEL: MODEL}`. Default: what the model lists.")
    ] = None,
    mode: Annotated[
        list[str] | None, typer.Option(help="zero-shot, adapted, adapted-no-reg; side by side where several.")
    ] = None,
    adapt_seconds: Annotated[
        str | None, typer.Option(help="Footage to adapt on, at least 2; several with commas make a curve.")
    ] = None,
    adapt_steps: Annotated[
        str | None, typer.Option(help="Steps of the adaptation; several with commas make a curve.")
    ] = None,
    data_root: Annotated[Path | None, typer.Option(help="Folder with the footage (demo needs none).")] = None,
    split: Annotated[str | None, typer.Option(help="test, train, all, or auto.")] = None,
    limit: Annotated[int | None, typer.Option(help="Use at most this many clips.", min=1)] = None,
    metrics: Annotated[str | None, typer.Option(help="Comma-separated, or all. Default: as bench run.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed for models and intervals, the same for all.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder. Default: runs/DATASET-HASH.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, or auto.")] = "auto",
    batch_size: BatchSize = "auto",
    workers: Workers = "auto",
    report: Annotated[bool, typer.Option(help="Write report.html with the players as well.")] = True,
) -> None:
    """Run or reuse every variant over one clip list with one seed, and write ablation.html, .tex and .md.

    Each variant's difference from the full model has an interval and a paired test over people.
    """
    from bench_lipsync.harness.ablation.variants import default_variants, load_variants
    from bench_lipsync.harness.cli.run import exit_code, page_writer, settle_libraries
    from bench_lipsync.harness.run.spec import make_spec

    if model is None and variants is None:
        raise typer.BadParameter("is needed, or --variants FILE", param_hint="--model")
    asked = load_variants(variants, model) if variants else default_variants(model or "")
    seconds, steps = _numbers(adapt_seconds, "--adapt-seconds"), _numbers(adapt_steps, "--adapt-steps")
    given: dict[str, Any] = {
        **{"models": asked.models, "dataset": dataset, "data_root": data_root, "split": split, "limit": limit},
        **{"mode": ",".join(mode) if mode else None, "seed": seed},
        "metrics": tuple(name.strip() for name in metrics.split(",") if name.strip()) if metrics else None,
        "adapt": _adapt(seconds, steps),
    }
    spec = make_spec({key: value for key, value in given.items() if value is not None})
    if (seconds or steps) and spec.modes == ("zero-shot",):
        raise typer.BadParameter("says how to adapt, and no mode adapts: --mode zero-shot,adapted")
    settle_libraries()

    from bench_lipsync.harness.ablation.run import carry_out
    from bench_lipsync.harness.util.files import write_text_atomically
    from bench_lipsync.reports.ablation.page import write_ablation
    from bench_lipsync.reports.ablation.tables import ablation_table, print_ablation

    options = run_options(Asked(workers), device, batch_size, out=out, report=page_writer(report))
    done = carry_out(spec, asked, options, seconds, [int(count) for count in steps])
    print_ablation(done.ablation)
    folder = done.outcome.folder
    written = [write_ablation(done.ablation, folder / "ablation.html")]
    for name, format in (("ablation.tex", "latex"), ("ablation.md", "markdown")):
        written.append(write_text_atomically(folder / name, ablation_table(done.ablation, format)))
    for path in written:
        print(path, file=sys.stderr)
    raise typer.Exit(exit_code(done.outcome, spec))


def _numbers(text: str | None, flag: str) -> list[float]:
    try:
        return [float(word) for word in (text or "").split(",") if word.strip()]
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of numbers with commas", param_hint=flag) from None


def _adapt(seconds: list[float], steps: list[float]) -> dict[str, float | int] | None:
    given: dict[str, float | int] = {}
    if seconds:
        given["seconds"] = max(seconds)
    if steps:
        given["steps"] = int(max(steps))
    return given or None
