"""Options that several commands share, each written once, and the run options that are made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench_lipsync.harness.datasets.clip_lists import ListedPair, PairOrder
    from bench_lipsync.harness.run.executors.factory import ExecutorOptions
    from bench_lipsync.harness.run.pipeline import RunOptions

_DATASET = typer.Option("--dataset", "-d", help="demo, hdtf, voxceleb2 or folder.")
_SPLIT = "test, train, all, or auto: the test list if there is one, else all."
_LIMIT = "Use at most this many clips: everywhere the same ones, spread over the list."

# Which clips
Dataset = Annotated[str, _DATASET]
OptionalDataset = Annotated[str | None, _DATASET]
DataRoot = Annotated[Path | None, typer.Option("--data-root", help="Folder with the footage (demo needs none).")]
Split = Annotated[str, typer.Option("--split", help=_SPLIT)]
OptionalSplit = Annotated[str | None, typer.Option("--split", help=_SPLIT)]
Limit = Annotated[int | None, typer.Option("--limit", help=_LIMIT, min=1)]
Task = Annotated[
    str | None,
    typer.Option("--task", metavar="NAME|FILE", help="A named task: data, protocol, metrics. See bench list tasks."),
]
Clips = Annotated[
    Path | None,
    typer.Option(
        "--clips", metavar="FILE", help="Only the clips in this list: one id, or end of a path, on each line."
    ),
]
Pairs = Annotated[
    Path | None,
    typer.Option(
        "--pairs",
        metavar="FILE",
        help="Score the pairs of video and audio in this list, two names on each line; sets --protocol cross.",
    ),
]
PairColumns = Annotated[
    Literal["audio,video", "video,audio"] | None,
    typer.Option("--pair-order", help="Columns of --pairs, where the list does not say which is which."),
]
ClipSeconds = Annotated[
    float | None, typer.Option("--clip-seconds", help="Only the first seconds of each clip and audio.", min=1.6)
]
Protocol = Annotated[
    Literal["reconstruction", "cross"] | None,
    typer.Option("--protocol", help="reconstruction (own audio) or cross (audio of another clip)."),
]

# What is measured, and how
Metrics = Annotated[
    str | None, typer.Option("--metrics", help="Comma-separated, e.g. LSE-C,LSE-D,FID; or all. See bench list metrics.")
]
Mode = Annotated[
    list[str] | None,
    typer.Option(
        "--mode",
        help="zero-shot, adapted (tuned to each speaker), adapted-no-reg, adapted-no-sync; with commas: one row each.",
    ),
]
AdaptSet = Annotated[
    list[str] | None,
    typer.Option(
        "--adapt-set", metavar="KEY=VALUE", help="A setting of the adaptation, as sync_loss=cosine; repeatable."
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of models and confidence intervals.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, or auto.")]
BatchSize = Annotated[
    str, typer.Option("--batch-size", help="Frames that a model processes at once: a number, or auto.")
]

# What comes out
RunFolder = Annotated[Path | None, typer.Option("--out", help="Run folder. Default: runs/DATASET-HASH.")]
Force = Annotated[
    bool, typer.Option("--force", help="Replace another run in --out, or a better earlier result of this one.")
]
Report = Annotated[bool, typer.Option("--report/--no-report", help="Write report.html and its previews.")]
RunJson = Annotated[bool, typer.Option("--json", help="Print run.json instead of the table.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
OutFile = Annotated[Path | None, typer.Option("--out", help="File to write instead of printing.")]
Runs = Annotated[list[Path], typer.Argument(help="Run folders that `bench run` wrote.", show_default=False)]

# Who does the work
Workers = Annotated[
    str,
    typer.Option(
        "--workers",
        help="Worker processes: a number, or auto for as many as cores and memory (two a GPU) allow.",
        envvar="BENCH_WORKERS",
    ),
]
ExecutorKind = Literal["auto", "local", "process", "ray"]
Kind = Annotated[ExecutorKind, typer.Option("--executor", help="auto, local (this process), process, or ray.")]
Address = Annotated[
    str | None,
    typer.Option("--address", help="Ray cluster: auto, HOST:6379 or ray://HOST:10001. Default: one on this machine."),
]
Gpus = Annotated[float, typer.Option("--gpus-per-worker", help="Share of a GPU that Ray gives a worker: 0.25, 1.")]
Cpus = Annotated[float, typer.Option("--cpus-per-worker", help="Cores that Ray gives a worker.")]
ClipTimeout = Annotated[
    float | None,
    typer.Option("--clip-timeout", help="Seconds after which a step of a clip ends as `timeout`.", min=0.001),
]
ClipMemory = Annotated[
    float | None,
    typer.Option("--clip-memory", help="GB of memory of a worker beyond which the clip ends as `memory`.", min=0.001),
]
Retries = Annotated[
    int, typer.Option("--retries", help="How often a clip is tried again after its worker was lost.", min=0)
]


class ExecutorArgs(NamedTuple):
    """The executor as requested on the command line."""

    workers: str = "auto"
    kind: ExecutorKind = "auto"
    address: str | None = None
    gpus: float = 0.0
    cpus: float = 1.0
    clip_timeout: float | None = None
    clip_memory: float | None = None
    retries: int = 2


class ClipArgs(NamedTuple):
    """What chooses the clips of a run, as requested on the command line."""

    clips: Path | None = None
    pairs: Path | None = None
    order: PairOrder | None = None
    seconds: float | None = None
    task: str | None = None


def chosen_clips(requested: ClipArgs) -> dict[str, Any]:
    """The fields of a `RunSpec` that the task and the lists give. Raises `BenchError` for what cannot be used."""
    from bench_lipsync.harness.datasets.clip_lists import read_clip_list, read_pair_list
    from bench_lipsync.harness.tasks import find_task

    task = find_task(requested.task) if requested.task else None
    if requested.order and not requested.pairs:
        raise typer.BadParameter("says how to read --pairs, which is not given", param_hint="--pair-order")
    chosen: dict[str, Any] = {}
    if task:
        chosen = {**task.fixed(), "task": task, **({"models": task.models} if task.models else {})}
    if requested.seconds:
        chosen["clip_seconds"] = requested.seconds
    if requested.clips:
        if task and task.draw.rule == "list":
            raise typer.BadParameter(
                f"the clips of {task.title} are named by its list: --pairs FILE", param_hint="--clips"
            )
        chosen["clips"] = read_clip_list(requested.clips)
    if requested.pairs:
        listed = read_pair_list(requested.pairs, requested.order or (task.draw.order if task else None))
        if task:
            task.check_list(requested.pairs)
        if task and task.protocol == "reconstruction":
            chosen["clips"] = own_clips(listed, requested.pairs)
        else:
            chosen |= {"pairs": listed, "protocol": "cross"}
    return chosen


def own_clips(pairs: Iterable[ListedPair], path: Path) -> tuple[str, ...]:
    """The clips of a list whose lines name one clip twice. Raises `BenchError` for a line that names two."""
    from bench_lipsync.harness.errors import BenchError

    for video, audio in pairs:
        if video != audio:
            raise BenchError(f"{path} pairs {video} with {audio}, and the task drives every clip by its own audio")
    return tuple(video for video, _ in pairs)


def words(text: str | None) -> tuple[str, ...]:
    """The parts of a comma-separated option, without blanks."""
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def key_values(texts: list[str] | None, flag: str) -> list[tuple[str, Any]]:
    """The pairs of a repeatable option `KEY=VALUE`. Raises `BenchError` for a text that is none."""
    from bench_lipsync.harness.errors import BenchError

    pairs = []
    for text in texts or []:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise BenchError(f"{flag} {text!r} is no KEY=VALUE; write it as {flag} lr=1e-4")
        pairs.append((key, _value(value)))
    return pairs


def _value(text: str) -> Any:
    """Lists and truth values are written as JSON; anything else is a word or number that the settings understand."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def run_options(executor: ExecutorArgs, device: str, batch_size: str = "auto", **others: Any) -> RunOptions:
    """Options of a run.

    Args:
        executor: Who does the work.
        device: As requested: `auto`, `cpu`, `cuda:1`.
        batch_size: As requested: `auto` or a number.
        **others: Further fields of `RunOptions`.

    Raises:
        BenchError: There is no such device, or the batch size is no number.

    """
    from bench_lipsync.harness.compute.batching import parse_batch_size
    from bench_lipsync.harness.compute.device import pick_device
    from bench_lipsync.harness.run.pipeline import RunOptions
    from bench_lipsync.harness.run.progress_display import progress_display

    # With Ray this process only directs, perhaps on a machine without a GPU; workers look for themselves.
    own_device = "cpu" if executor.kind == "ray" else pick_device(device)
    return RunOptions(
        device=own_device,
        workers_device=device if executor.kind == "ray" else None,
        batch_size=parse_batch_size(batch_size),
        executor=executor_options(executor, own_device),
        display=progress_display,
        **others,
    )


def executor_options(requested: ExecutorArgs, device: str) -> ExecutorOptions:
    """Options of the executor for the resolved `device`. Raises a usage error that names the option."""
    from bench_lipsync.harness.run.executors import factory
    from bench_lipsync.harness.run.executors.pool import TaskLimits

    ray_only = {
        "--address": requested.address,
        "--gpus-per-worker": requested.gpus,
        "--cpus-per-worker": requested.cpus != 1,
    }
    for flag, value in ray_only.items():
        if value and requested.kind != "ray":
            raise typer.BadParameter("needs --executor ray", param_hint=flag)
    memory = None if requested.clip_memory is None else int(requested.clip_memory * 1e9)
    return factory.ExecutorOptions(
        kind=requested.kind,
        workers=_workers(requested, device),
        limits=TaskLimits(requested.clip_timeout, memory, requested.retries),
        address=requested.address,
        gpus_per_worker=requested.gpus,
        cpus_per_worker=requested.cpus,
    )


def _workers(requested: ExecutorArgs, device: str) -> int | None:
    if requested.workers != "auto":
        if not requested.workers.isdecimal() or int(requested.workers) < 1:
            raise typer.BadParameter(f"{requested.workers!r} is neither auto nor 1 or more", param_hint="--workers")
        return int(requested.workers)
    if requested.kind in ("local", "ray"):
        return None
    from bench_lipsync.harness.run.executors.factory import workers_here

    return workers_here(device)
