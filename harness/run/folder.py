"""The folder of a run in progress: specification, log, and outputs as they come."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.registry.model_names import parse_name
from bench_lipsync.harness.results.output_guard import check_out_folder
from bench_lipsync.harness.results.schema import RUN_FILE, MetricRow, read_result
from bench_lipsync.harness.run.record import PairRecord
from bench_lipsync.harness.run.spec import RunSpec, load_spec
from bench_lipsync.harness.run.work_items import PairResult
from bench_lipsync.harness.store.store import Store, link_or_copy
from bench_lipsync.harness.util.files import sweep_run_folder, write_text_atomically
from bench_lipsync.harness.util.output_marker import mark_output, read_mark
from bench_lipsync.harness.util.sanitize import safe_id
from bench_lipsync.harness.util.spans import span

logger = logging.getLogger("bench_lipsync")

KIND = "run"
"""What the marker of a run folder says."""
SHARD_FILE = "shard.json"
"""What a finished shard is described in."""


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make `folder` at once, so that a path that cannot be used ends a command before it has worked for minutes.

    It is removed again where the code inside fails before anything is in it.
    """
    existed = folder.is_dir()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if not existed:
            with suppress(OSError):
                folder.rmdir()
        raise


def check_run_folder(folder: Path, spec: RunSpec) -> None:
    """Check that a folder may hold the run of `spec`, before anything long begins. Raises `BenchError`."""
    check_out_folder(folder, KIND, run_inputs(spec))


def run_inputs(spec: RunSpec) -> dict[str, Path]:
    """The files and folders that a run reads, by the option that names them."""
    arguments = {name: parse_name(name).argument for name in spec.models}
    inputs = {f"--model {name}:": Path(path) for name, path in arguments.items() if path and Path(path).exists()}
    return inputs | ({"--data-root": spec.data_root} if spec.data_root else {})


def check_same_run(folder: Path, spec: RunSpec, content: str) -> None:
    """Check that a folder holds no results, or results of this very run. Raises `BenchError`.

    Args:
        folder: The run folder.
        spec: What is about to run.
        content: Identifies the run (specification, clips and shard), as in the folder's marker.

    """
    holds = next((name for name in (RUN_FILE, SHARD_FILE) if (folder / name).exists()), None)
    mark = read_mark(folder)
    if holds is None or (mark and mark.content == content):
        return
    raise BenchError(
        f"--out {folder} holds the results of another run ({_difference(folder, spec)}); name another folder, or "
        "--force to replace them"
    )


def _difference(folder: Path, spec: RunSpec) -> str:
    try:
        differ = different_settings(load_spec(folder / "run.yaml"), spec.model_dump(mode="json"))
    except BenchError:
        return "its run.yaml cannot be read"
    return f"it differs in {', '.join(differ)}" if differ else "with other clips, or another part of them"


def different_settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Names of the settings in which two specifications differ; where the data lie is none."""
    return [key for key in first if first[key] != second.get(key) and key != "data_root"]


def check_not_worse(folder: Path, spec_hash: str, rows: Iterable[MetricRow]) -> None:
    """Check that `rows` lose no number of the same run's earlier result in `folder`. Raises `BenchError`."""
    try:
        earlier = read_result(folder)
    except BenchError:
        return
    if earlier.spec_hash != spec_hash:
        return
    now = {(row.model, row.column): row for row in rows}
    lost = []
    for row in earlier.metrics:
        same = now.get((row.model, row.column))
        if row.value is not None and (same is None or same.value is None or same.n_ok < row.n_ok):
            lost.append((row, same))
    if lost:
        row, same = lost[0]
        clips = 0 if same is None or same.value is None else same.n_ok
        reason = same.note if same and same.note else "see its log.txt"
        raise BenchError(
            f"{folder} keeps its earlier result, because {len(lost)} numbers would be lost: {row.model} {row.column} "
            f"is over {row.n_ok} clips there and over {clips} now ({reason}); --out DIR writes this result elsewhere, "
            "--force replaces the earlier one"
        )


@contextmanager
def open_run_folder(folder: Path, spec: RunSpec, store: Store, content: str) -> Iterator[None]:
    """Open a run folder and the store for a run; leftovers of killed runs are removed.

    Args:
        folder: The run folder.
        spec: What is about to run.
        store: Held until the end.
        content: Identifies the run in the folder's marker.

    """
    mark_output(folder, KIND, content)
    sweep_run_folder(folder)
    store.sweep()
    with _log_to(folder / "log.txt"), store.lease():
        write_text_atomically(folder / "run.yaml", spec.to_yaml())
        yield


def linker(store: Store, folder: Path) -> Callable[[str, str, PairRecord], None]:
    """Links the files of every finished pair (row, clip) into the run folder, to be watched during the run."""

    def link(row: str, clip: str, pair: PairRecord) -> None:
        if not isinstance(pair, PairResult):
            return
        with span("link"):
            name = safe_id(row)
            link_or_copy(store.file(pair.video), folder / "generated" / name / f"{clip}.mkv")
            if pair.preview:
                link_or_copy(store.file(pair.preview), folder / "media" / name / f"{clip}.mp4")

    return link


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Send tracebacks and warnings of the run to its folder instead of the screen."""
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    propagate, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.propagate = propagate  # The process may be a notebook with handlers of its own.
        logger.removeHandler(handler)
        handler.close()
