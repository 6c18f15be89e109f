"""The folder of a run while it goes on: specification, log, and outputs as they come."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench_lipsync.harness.run.spec import RunSpec
from bench_lipsync.harness.run.tasks import PairDone, Trouble
from bench_lipsync.harness.store.store import Store, link_or_copy
from bench_lipsync.harness.util.files import sweep_run_folder, write_text_atomically
from bench_lipsync.harness.util.sanitize import safe_id
from bench_lipsync.harness.util.spans import span

logger = logging.getLogger("bench")


@contextmanager
def open_run_folder(folder: Path, spec: RunSpec, store: Store) -> Iterator[None]:
    """A run folder and the store, rid of what killed runs left half made, while somebody works with them."""
    folder.mkdir(parents=True, exist_ok=True)
    sweep_run_folder(folder)
    store.sweep()
    with _log_to(folder / "log.txt"), store.lease():
        write_text_atomically(folder / "run.yaml", spec.to_yaml())
        yield


def linker(store: Store, folder: Path) -> Callable[[str, str, PairDone | Trouble], None]:
    """Puts a finished pair of a row and a clip into the run folder, to be watched while the run goes on."""

    def link(row: str, clip: str, pair: PairDone | Trouble) -> None:
        if isinstance(pair, Trouble):
            return
        with span("link"):
            name = safe_id(row)
            link_or_copy(store.file(pair.video), folder / "generated" / name / f"{clip}.mkv")
            if pair.preview:
                link_or_copy(store.file(pair.preview), folder / "media" / name / f"{clip}.mp4")

    return link


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Tracebacks and warnings of the run go to its folder, not to the screen."""
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
