"""The files of a run that every machine which takes part must have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.registry.model_names import parse_name
from bench_lipsync.harness.run.spec import RunSpec


def files_of(spec: RunSpec, clips: Sequence[Clip]) -> list[Path]:
    """The folder of the data, one of its clips to see whether it is really mounted, and weights that users name."""
    named = (parse_name(model).argument for model in spec.models)
    weights = [Path(argument) for argument in named if argument and Path(argument).exists()]
    return [*([spec.data_root] if spec.data_root else []), *(clip.video for clip in clips[:1]), *weights]
