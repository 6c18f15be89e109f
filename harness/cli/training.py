"""What the training commands share: the options that say which clips, and the clips themselves."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bench_lipsync.harness.api.clip import PreparedClip

SIZE = 256
"""Side in pixels of the prepared clips that networks are trained from."""


def _made(folder: Path) -> Path:
    """`folder`, which exists now: if it cannot, this is better known before the footage is prepared for hours."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


Out = Annotated[Path, typer.Option(help="Folder of the training run; an unfinished one is continued.", callback=_made)]
Dataset = Annotated[str, typer.Option("--dataset", "-d", help="demo, hdtf, voxceleb2 or folder.")]
DataRoot = Annotated[Path | None, typer.Option(help="Folder with the footage (demo needs none).")]
Split = Annotated[str, typer.Option(help="train, all or test.")]
Limit = Annotated[int | None, typer.Option(help="Use at most this many clips.", min=1)]
Seed = Annotated[int | None, typer.Option(help="Seed of weights and samples.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, or auto.")]


def training_clips(dataset: str, data_root: Path | None, split: str, limit: int | None) -> list[PreparedClip]:
    """The dataset's clips in canonical form; those that cannot be prepared are named and left out.

    Raises `BenchError` if none is left.
    """
    # MediaPipe's native log lines would tear the progress bars.
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from bench_lipsync.harness.api.dataset import ClipRequest
    from bench_lipsync.harness.errors import BenchError
    from bench_lipsync.harness.registry.plugins import DATASETS
    from bench_lipsync.harness.stages.stages import prepare_all
    from bench_lipsync.harness.store.mirror import open_store

    found = DATASETS.get(dataset)().clips(ClipRequest(data_root=data_root, split=split))
    prepared = prepare_all(found.clips[:limit], SIZE, open_store())
    for clip_id, error in prepared.failures.items():
        print(f"left out: {clip_id}: {error.reason}", file=sys.stderr)
    if not prepared.clips:
        raise BenchError(f"no clip of {dataset} ({found.split}) can be trained on")
    return list(prepared.clips.values())
