"""Options of the commands that carry out runs: who does the work, and what it may cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

if TYPE_CHECKING:
    from bench_lipsync.harness.run.executors.factory import ExecutorOptions
    from bench_lipsync.harness.run.pipeline import RunOptions

Workers = Annotated[
    str,
    typer.Option(
        help="Worker processes: a number, or auto for as many as cores and memory (two a GPU) allow.",
        envvar="BENCH_WORKERS",
    ),
]
BatchSize = Annotated[str, typer.Option(help="Frames that a model gets at once: a number, or auto.")]
Kind = Annotated[str, typer.Option("--executor", help="auto, local (this process), process, or ray.")]
Address = Annotated[
    str | None, typer.Option(help="Ray cluster: auto, HOST:6379 or ray://HOST:10001. Default: one on this machine.")
]
Gpus = Annotated[float, typer.Option("--gpus-per-worker", help="Share of a GPU that Ray gives a worker: 0.25, 1.")]
Cpus = Annotated[float, typer.Option("--cpus-per-worker", help="Cores that Ray gives a worker.")]
ClipTimeout = Annotated[
    float | None, typer.Option(help="Seconds after which a step of a clip ends as `timeout`.", min=0.001)
]
ClipMemory = Annotated[
    float | None, typer.Option(help="GB of memory of a worker beyond which the clip ends as `memory`.", min=0.001)
]
Retries = Annotated[int, typer.Option(help="How often a clip is tried again whose worker was lost.", min=0)]


class Asked(NamedTuple):
    """What was given on the command line."""

    workers: str = "auto"
    kind: str = "auto"
    address: str | None = None
    gpus: float = 0.0
    cpus: float = 1.0
    clip_timeout: float | None = None
    clip_memory: float | None = None
    retries: int = 2


def run_options(asked: Asked, device: str, batch_size: str, **others: Any) -> RunOptions:
    """The options of a run; `device` as given. Raises `BenchError` for a device or a batch size that cannot be."""
    from bench_lipsync.harness.compute.batching import parse_batch_size
    from bench_lipsync.harness.compute.device import pick_device
    from bench_lipsync.harness.run.pipeline import RunOptions
    from bench_lipsync.harness.run.progress_display import progress_display

    # With Ray this process only directs, perhaps on a machine without a GPU; workers look for themselves.
    here = "cpu" if asked.kind == "ray" else pick_device(device)
    return RunOptions(
        device=here,
        workers_device=device if asked.kind == "ray" else None,
        batch_size=parse_batch_size(batch_size),
        executor=executor_options(asked, here),
        display=progress_display,
        **others,
    )


def executor_options(asked: Asked, device: str) -> ExecutorOptions:
    """The options of the executor; `device` is the settled one. Raises a usage error naming the option."""
    from typing import get_args

    from bench_lipsync.harness.run.executors import factory as choose
    from bench_lipsync.harness.run.executors.pool import Limits

    kinds = get_args(choose.Kind)
    if asked.kind not in kinds:
        raise typer.BadParameter(f"{asked.kind!r} is none of {', '.join(kinds)}", param_hint="--executor")
    ray = asked.kind == "ray"
    given = {"--address": asked.address, "--gpus-per-worker": asked.gpus, "--cpus-per-worker": asked.cpus != 1}
    for flag, value in given.items():
        if value and not ray:
            raise typer.BadParameter("needs --executor ray", param_hint=flag)
    memory = None if asked.clip_memory is None else int(asked.clip_memory * 1e9)
    return choose.ExecutorOptions(
        kind=asked.kind,  # type: ignore[arg-type]
        workers=_workers(asked, device),
        limits=Limits(asked.clip_timeout, memory, asked.retries),
        address=asked.address,
        gpus_per_worker=asked.gpus,
        cpus_per_worker=asked.cpus,
    )


def _workers(asked: Asked, device: str) -> int | None:
    if asked.workers != "auto":
        if not asked.workers.isdecimal() or int(asked.workers) < 1:
            raise typer.BadParameter(f"{asked.workers!r} is neither auto nor 1 or more", param_hint="--workers")
        return int(asked.workers)
    if asked.kind in ("local", "ray"):
        return None
    from bench_lipsync.harness.run.executors.factory import workers_here

    return workers_here(device)
