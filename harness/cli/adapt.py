"""`bench adapt`: adapt a model to a speaker from a few seconds of video."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench_lipsync.harness.cli import _options as options


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(
        "adapt",
        epilog="Example: bench adapt --model stylelipsync --video person.mp4 --seconds 5 --out person.safetensors. "
        "Then: bench run --model stylelipsync:person.safetensors ..., on other footage of the same speaker.",
    )(adapt)


def adapt(
    video: Annotated[Path, typer.Option(help="Footage of the speaker, with audio.")],
    out: Annotated[Path, typer.Option(help="Checkpoint to write (.safetensors); the same command goes on with it.")],
    model: Annotated[
        str,
        typer.Option("--model", "-m", help="What to tune: stylelipsync, stylelipsync:WEIGHTS, stylelipsync@no-mals."),
    ] = "stylelipsync",
    seconds: Annotated[float, typer.Option(help="How much of the video to use.", min=2.0)] = 5.0,
    start: Annotated[float, typer.Option(help="Seconds into the video where to begin.", min=0.0)] = 0.0,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps instead of the recipe's.", min=1)] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate instead of the recipe's.")] = None,
    lambda_reg: Annotated[
        float | None, typer.Option(help="Weight of the sync regulariser; 0 leaves it out.", min=0.0)
    ] = None,
    lambda_sync: Annotated[float | None, typer.Option(help="Weight of synchrony with the own audio.", min=0.0)] = None,
    sync_loss: Annotated[
        str | None, typer.Option(help="Form of both sync losses: bce, or cosine (1 - cosine, as the paper).")
    ] = None,
    foreign: Annotated[
        Path | None, typer.Option(help="Folder with recordings of other speakers. Default: the demo set's speech.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the samples.")] = 0,
    device: options.Device = "auto",
) -> None:
    """Adapt the decoder to one speaker and write a checkpoint for that speaker; encoders stay as they are.

    An interrupted adaptation goes on with the same command. Adapt only to people who agreed to it.
    """
    from bench_lipsync.harness.api.clip import Clip
    from bench_lipsync.harness.compute.device import pick_device
    from bench_lipsync.harness.datasets.recordings import read_speech
    from bench_lipsync.harness.errors import BenchError, ClipError
    from bench_lipsync.harness.registry.model_names import parse_name
    from bench_lipsync.harness.results.output_guard import check_out_file
    from bench_lipsync.harness.stages import stages
    from bench_lipsync.harness.store.mirror import open_store
    from bench_lipsync.harness.util.sanitize import safe_id
    from bench_lipsync.models.stylelipsync.adaptation.adapt import make_recipe, run

    if out.suffix != ".safetensors":
        raise typer.BadParameter(f"{out.name} must end in .safetensors", param_hint="--out")
    name = parse_name(model)
    check_out_file(out, [video, *([Path(name.argument)] if name.argument else [])])
    out.parent.mkdir(parents=True, exist_ok=True)  # If it cannot be, then now and not after the adaptation.
    if name.kind != "stylelipsync":
        raise BenchError(f"{name.kind!r} cannot be adapted; stylelipsync can, with any of its weights and variants")
    weights = {"lambda_reg": lambda_reg, "lambda_sync": lambda_sync, "sync_loss": sync_loss}
    changes = {"steps": steps, "lr": lr, **weights, "seed": seed}
    recipe, device = make_recipe(name.argument, name.variant, changes), pick_device(device)
    speech = (safe_id(foreign.name), read_speech(foreign)) if foreign else None
    speaker = safe_id(video.stem)
    try:
        footage = stages.prepare(Clip(speaker, speaker, video, start=start, end=start + seconds), 256, open_store())
    except ClipError as error:
        raise BenchError(
            f"{video.name} cannot be adapted on, from {start:g} s: {error.reason} ({error.status}); choose another "
            "part with --start and --seconds, or other footage"
        ) from None
    for note in footage.notes:
        print(f"note: {video.name}: {note}", file=sys.stderr)
    written = run(recipe, footage, out, foreign=speech, device=device)
    print(f"adapted on {footage.frames / 25:g} s: {written}")
