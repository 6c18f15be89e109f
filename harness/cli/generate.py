"""`bench generate` and `bench watermark`: dub one video with one recording, and recognise such videos."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench_lipsync.harness.cli import _options as options
from bench_lipsync.harness.errors import BenchError, ClipError

if TYPE_CHECKING:
    from bench_lipsync.harness.api.model import GenerateContext, LipSyncModel
    from bench_lipsync.harness.faces.region import Region


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command(
        "generate", epilog="Example: bench generate --model stylelipsync --video a.mp4 --audio b.wav --out c.mp4"
    )(generate)
    group = typer.Typer(
        epilog="Example: bench watermark detect dubbed.mp4",
        help="Recognise videos that `bench generate` made.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    # With a single command Typer would make the group that command.
    group.callback()(lambda: None)
    group.command("detect", epilog="Example: bench watermark detect dubbed.mp4 && echo synthetic")(detect)
    app.add_typer(group, name="watermark")


def generate(
    video: Annotated[Path, typer.Option(help="Video (or a still image) of the speaker.")],
    audio: Annotated[Path, typer.Option(help="What the speaker is to say; any audio or video file.")],
    out: Annotated[Path, typer.Option(help="MP4 to write.")],
    model: Annotated[
        str, typer.Option("--model", "-m", help="Model, MODEL:WEIGHTS, or MODEL@VARIANT.")
    ] = "stylelipsync",
    box: Annotated[
        str | None, typer.Option(help="X,Y,WIDTH,HEIGHT in pixels of the video: where to look for the face.")
    ] = None,
    adapt_on: Annotated[
        Path | None, typer.Option(help="Footage of the speaker, with its audio, to adapt the model to first.")
    ] = None,
    adapt_seconds: Annotated[float, typer.Option(help="Seconds of --adapt-on to use.", min=2)] = 5.0,
    crf: Annotated[
        int, typer.Option(help="Quality of the H.264 video: lower is better and larger.", min=0, max=40)
    ] = 18,
    seed: Annotated[int, typer.Option(help="Seed of models that sample.")] = 0,
    device: options.Device = "auto",
    batch_size: options.BatchSize = "auto",
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,
) -> None:
    """Dub a video: the lips follow the audio, the rest of the frame stays as it is.

    The output is as long as the audio; a shorter video runs forward and back. It keeps the video's size and rate, says
    in its metadata that it is synthetic, and carries an invisible watermark (see `bench watermark`); neither can be
    switched off. Dub only speakers who consented.
    """
    _check(model, {"--video": video, "--audio": audio, "--adapt-on": adapt_on}, out, force)
    region = None if box is None else _region(box)
    from bench_lipsync.harness.api.model import GenerateContext
    from bench_lipsync.harness.compute.batching import parse_batch_size
    from bench_lipsync.harness.compute.device import pick_device
    from bench_lipsync.harness.dubbing.pipeline import DubRequest, dub

    context = GenerateContext(seed=seed, device=pick_device(device), batch_size=parse_batch_size(batch_size))
    request = DubRequest(video, audio, out, crf=crf, region=region, context=context)
    try:
        result = dub(_load(model, context, adapt_on, adapt_seconds), request)
    except ClipError as error:
        raise BenchError(f"{error.reason} ({error.status}); {_remedy(error, video, audio)}") from error
    except KeyboardInterrupt:
        print(f"bench: interrupted; nothing was written to {out}", file=sys.stderr)
        raise typer.Exit(130) from None
    if as_json:
        print(json.dumps({**asdict(result), "out": str(result.out)}, indent=1))
        return
    print(f"{result.out}: {result.frames} frames of {result.width}x{result.height}, {result.seconds:.2f} s")
    for note in result.notes:
        print(f"note: {note}", file=sys.stderr)
    if result.frames_without_face:
        print(f"no face in {result.frames_without_face} of them: left as they were", file=sys.stderr)


def _load(name: str, context: GenerateContext, adapt_on: Path | None, seconds: float) -> LipSyncModel:
    """The model, adapted to the speaker of `adapt_on`. Raises `BenchError` for one that cannot be loaded."""
    from bench_lipsync.harness.registry.model_names import row_name
    from bench_lipsync.harness.run.model_loading import load_models

    loaded = load_models([name])
    model = next((row.model for row in loaded.models if row.name == row_name(name)), None)
    if model is None:
        raise loaded.problems[row_name(name)]
    if model.card.caveat:
        print(f"note: {model.card.name}: {model.card.caveat}", file=sys.stderr)
    if adapt_on is None:
        return model
    from bench_lipsync.harness.dubbing.pipeline import adapted

    return adapted(model, adapt_on, seconds, context)


def _check(model: str, inputs: dict[str, Path | None], out: Path, force: bool) -> None:
    from bench_lipsync.harness.registry.model_names import parse_name
    from bench_lipsync.harness.results.output_guard import check_out_file

    reads = {option: path for option, path in inputs.items() if path is not None}
    for option, path in reads.items():
        if not path.is_file():
            raise BenchError(f"{option} {path}: no such file")
    if out.suffix.lower() not in {".mp4", ".m4v", ".mov"}:
        raise BenchError(f"--out {out}: the output is an MP4; give it the ending .mp4")
    if not out.parent.is_dir():
        raise BenchError(f"--out {out}: the folder {out.parent} does not exist; create it first")
    weights = parse_name(model).argument
    check_out_file(out, [*reads.values(), *([Path(weights)] if weights else [])])
    if out.exists() and not force:
        raise BenchError(f"--out {out} exists; give another name, or --force to replace it")


def _region(text: str) -> Region:
    from bench_lipsync.harness.faces.region import Region

    try:
        return Region.parse(text)
    except ValueError as error:
        raise BenchError(f"--box {text!r}: {error}, as in --box 100,50,300,300") from None


def _remedy(error: ClipError, video: Path, audio: Path) -> str:
    remedies = {
        "no_face": f"take another video than {video.name}, with a clearer face, or point to the face with --box",
        "several_faces": "say which face is meant with --box X,Y,WIDTH,HEIGHT",
        "no_audio": f"{audio.name} has no audio: give another file with --audio",
        "too_short": "give a longer file",
        "model_failed": "`bench run` with this model keeps the whole trace in its log",
        "memory": "close other programs, or take a machine with more",
        "decode_error": "play or convert the file elsewhere to see what is wrong with it",
    }
    return remedies.get(error.status.value, "try another model or another clip")


def detect(
    video: Annotated[Path, typer.Argument(help="Any video file.", show_default=False)],
    as_json: options.Json = False,
) -> None:
    """Say whether a video carries the watermark of `bench generate`. Exit code 0: yes, 1: no, 2: it cannot be read.

    A yes is wrong for fewer than 1 in 10,000 unmarked videos. A no says little: cropping or strong compression destroys
    it.
    """
    from bench_lipsync.harness.watermark.detect import FALSE_ALARM_RATE, MAX_ERRORS
    from bench_lipsync.harness.watermark.detect import detect as read_mark
    from bench_lipsync.harness.watermark.pattern import BITS

    if not video.is_file():
        raise BenchError(f"{video}: no such file")
    try:
        mark = read_mark(video)
    except ClipError as error:
        raise BenchError(f"{error.reason}; only a video that FFmpeg can decode can be examined") from error
    if as_json:
        values = {
            "marked": mark.marked,
            "bit_errors": mark.errors,
            "bits": BITS,
            "max_errors": MAX_ERRORS,
            "frames": mark.frames,
            "chance": mark.chance,
            "false_alarm_rate": FALSE_ALARM_RATE,
        }
        print(json.dumps(values, indent=1))
    else:
        verdict = "carries the mark of bench generate" if mark.marked else "no mark found"
        print(f"{video}: {verdict} ({mark.errors} of {BITS} bits wrong, at most {MAX_ERRORS} for yes)")
    raise typer.Exit(0 if mark.marked else 1)
