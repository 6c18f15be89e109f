"""`bench score`: the same pipeline for videos that were made elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench_lipsync.harness.cli import _options as options
from bench_lipsync.harness.cli._run_common import exit_code, given, page_writer, show
from bench_lipsync.harness.errors import BenchError

if TYPE_CHECKING:
    from bench_lipsync.harness.run.spec import RunSpec

_EXAMPLES = """Examples:

bench score --dataset demo --inputs inputs/          # what to run your model on: CLIP.mkv and CLIP.wav

bench score results/mine --dataset demo              # videos named as the clips: CLIP.mp4, CLIP.mkv, ...

bench score results/mine results/theirs --dataset hdtf --data-root ~/HDTF --metrics LSE-C,LSE-D,FID"""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("score", epilog=_EXAMPLES)(score)


def score(
    pred_dir: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PRED_DIR...",
            help="Folder with one video per clip, named by the clip's id; several make a comparison.",
        ),
    ] = None,
    dataset: options.OptionalDataset = None,
    data_root: options.DataRoot = None,
    split: options.OptionalSplit = None,
    protocol: options.Protocol = None,
    limit: options.Limit = None,
    task: options.Task = None,
    clips: options.Clips = None,
    pairs: options.Pairs = None,
    pair_order: options.PairColumns = None,
    clip_seconds: options.ClipSeconds = None,
    metrics: options.Metrics = None,
    geometry: Annotated[
        Literal["auto", "crop", "frame"],
        typer.Option(
            help="What the frames show: crop (the canonical crop), frame (the dataset's whole frame), or auto: "
            "told by their size."
        ),
    ] = "auto",
    inputs: Annotated[
        Path | None, typer.Option(help="Write every clip's canonical video and audio into this folder, and stop.")
    ] = None,
    seed: options.Seed = None,
    out: options.RunFolder = None,
    device: options.Device = "auto",
    workers: options.Workers = "auto",
    report: options.Report = True,
    force: options.Force = False,
    as_json: options.RunJson = False,
) -> None:
    """Score videos that were made elsewhere, beside the bound rows, exactly as `bench run` scores its models.

    Files are matched by the clips' ids and must have the size (canonical crop or the dataset's own frame), the rate
    (25, or the dataset's own) and the length (give or take 5 frames) of their clip; what does not match is reported
    clip by clip. Audio in the files is not used.
    """
    if dataset is None and task is None:
        raise typer.BadParameter("is needed, for example: bench score PRED_DIR --dataset demo", param_hint="--dataset")
    if not pred_dir and inputs is None:
        raise typer.BadParameter("name a folder of videos, or --inputs DIR to get what to run a model on")
    from bench_lipsync.harness.run.spec import make_spec
    from bench_lipsync.harness.scoring.scorers import require_metrics

    values = options.chosen_clips(options.ClipArgs(clips, pairs, pair_order, clip_seconds, task)) | given(
        models=tuple(_model(folder, geometry) for folder in pred_dir or ()) or ("ground-truth",),
        dataset=dataset,
        data_root=data_root,
        split=split,
        protocol=protocol,
        limit=limit,
        metrics=options.words(metrics) or None,
        seed=seed,
    )
    spec = make_spec(values)
    from bench_lipsync.harness.results.output_guard import check_out_folder
    from bench_lipsync.harness.run.folder import check_run_folder, run_inputs

    require_metrics(spec.metrics)
    if inputs is not None:
        check_out_folder(inputs, "inputs", run_inputs(spec), "--inputs")
        _write_inputs(spec, inputs)
        return
    if out is not None:  # Before the files are matched, which takes a while.
        check_run_folder(out, spec)
    _say_matches(spec, pred_dir or [])
    from bench_lipsync.harness.run.pipeline import execute

    work = options.ExecutorArgs(workers)
    outcome = execute(spec, options.run_options(work, device, out=out, report=page_writer(report), force=force))
    show(outcome, as_json)
    raise typer.Exit(exit_code(outcome, spec))


def _model(folder: Path, geometry: str) -> str:
    """The folder as the name of a model; `.` and `results/` get the name that the folder has."""
    at = "" if geometry == "auto" else f"@{geometry}"
    return f"precomputed{at}:{folder.resolve()}"


def _write_inputs(spec: RunSpec, folder: Path) -> None:
    from bench_lipsync.harness.run.model_inputs import write_inputs

    written = write_inputs(spec, folder)
    for problem in written.problems:
        typer.echo(problem, err=True)
    typer.echo(f"{written.clips} clips (CLIP.mkv, CLIP.wav) in {folder}")


def _say_matches(spec: RunSpec, folders: list[Path]) -> None:
    """Print how many files belong to a clip. Raises `BenchError` where none does, before anything long begins."""
    from bench_lipsync.harness.datasets.discover import listed
    from bench_lipsync.harness.predictions.files import PredictedFiles
    from bench_lipsync.harness.run.model_loading import load_models
    from bench_lipsync.harness.run.selection import select

    load_models(spec.models)  # Finds folders that do not exist, and two of one name.
    ids = [item.id for item in select(spec).driven]
    for folder in folders:
        files = PredictedFiles(folder.resolve())
        matched, several = files.match(ids)
        named = {*matched.values(), *(path for paths in several.values() for path in paths)}
        unused = [path for path in files.files if path not in named]
        twice = [f"{len(paths)} videos for {clip}: {files.shown(paths)}" for clip, paths in several.items()]
        if not matched and twice:
            raise BenchError(
                f"no clip of {spec.dataset} can be scored from {folder}: {twice[0]}; leave one of them there"
            )
        if not matched:
            names = listed(list(files.files), files.root)
            root = f" --data-root {spec.data_root}" if spec.data_root else ""
            raise BenchError(
                f"none of the videos in {folder} is named as one of the {len(ids)} clips of {spec.dataset}; found "
                f"{names}, expected {ids[0]}.mp4 and so on; `bench data list {spec.dataset}{root}` lists the ids"
            )
        rest = [f"belonging to none of them: {listed(unused, files.root)}"] if unused else []
        count = f"{folder}: videos for {len(matched)} of {len(ids)} clips"
        print("; ".join([count, *twice[:3], *rest]), file=sys.stderr)
