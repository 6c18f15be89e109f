"""Which metrics apply to a model: full-reference metrics need output and ground truth to be spatially aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.api.model import ModelCard
from bench_lipsync.harness.scoring.scorers import LoadedScorer


def why_not(card: ModelCard, info: MetricInfo) -> str:
    """Why `info` does not apply to a model with this card; empty if it does.

    A model with its own head pose is not compared with the true frames, nor its set of frames with theirs. One whose
    frames cover the face only is not scored on full frames, because the rest of them would be the ground truth's.
    """
    if card.pose == "own" and info.compares and info.needs_alignment:
        return "n/a: the model moves heads as it likes (pose free)"
    if card.covers == "face" and not info.needs & {"faces", "audio"}:
        return "n/a: the model's picture covers the face only, not the whole frame"
    return ""


def applicable(scorers: Sequence[LoadedScorer], card: ModelCard) -> tuple[LoadedScorer, ...]:
    """`scorers` with only the metrics that apply to the model, and only those that have any left."""
    fitting = [
        replace(loaded, wanted=tuple(info for info in loaded.wanted if not why_not(card, info))) for loaded in scorers
    ]
    return tuple(loaded for loaded in fitting if loaded.wanted)


def inapplicable(scorers: Sequence[LoadedScorer], card: ModelCard) -> dict[str, str]:
    """The metrics that `applicable` leaves out: reason by column."""
    reasons = {info.column: why_not(card, info) for loaded in scorers for info in loaded.wanted}
    return {column: reason for column, reason in reasons.items() if reason}
