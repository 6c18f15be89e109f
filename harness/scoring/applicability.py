"""Which metrics apply to a model: full-reference metrics need output and ground truth to be spatially aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.api.model import ModelCard
from bench_lipsync.harness.scoring.scorers import LoadedScorer


def why_not(card: ModelCard, info: MetricInfo) -> str:
    """Why `info` is not computed for a model with this card; empty where it is.

    A model whose heads move as it likes is not compared with the true frames, nor its set of frames with theirs. One
    whose picture covers the face only is not judged by whole frames, because the rest of them would be ours.
    """
    compares = "truth" in info.needs or info.level == "set"
    if card.pose == "own" and compares and info.needs_alignment:
        return "n/a: the model moves heads as it likes (pose free)"
    if card.covers == "face" and not info.needs & {"faces", "audio"}:
        return "n/a: the model's picture covers the face only, not the whole frame"
    return ""


def comparable(scorers: Sequence[LoadedScorer], card: ModelCard) -> tuple[LoadedScorer, ...]:
    """`scorers` without the metrics that say nothing about the model, and without those that have none left."""
    fitting = [replace(one, wanted=tuple(info for info in one.wanted if not why_not(card, info))) for one in scorers]
    return tuple(one for one in fitting if one.wanted)


def refused(scorers: Sequence[LoadedScorer], card: ModelCard) -> dict[str, str]:
    """Why not, by column, for the metrics that `comparable` leaves out."""
    reasons = {info.column: why_not(card, info) for one in scorers for info in one.wanted}
    return {column: reason for column, reason in reasons.items() if reason}
