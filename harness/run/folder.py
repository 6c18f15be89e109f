"""The folder of a run in progress: specification, log, and outputs as they come."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench_lipsync.harness.run.record import PairRecord
from bench_lipsync.harness.run.spec import RunSpec
from bench_lipsync.harness.run.tasks import PairResult
from bench_lipsync.harness.store.store import Store, link_or_copy
from bench_lipsync.harness.util.files import sweep_run_folder, write_text_atomically
from bench_lipsync.harness.util.sanitize import safe_id
from bench_lipsync.harness.util.spans import span

logger = logging.getLogger("bench_lipsync")


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


@contextmanager
def open_run_folder(folder: Path, spec: RunSpec, store: Store) -> Iterator[None]:
    """Open a run folder and the store for a run; leftovers of killed runs are removed."""
    folder.mkdir(parents=True, exist_ok=True)
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
