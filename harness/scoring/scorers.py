"""Loads the requested scorers; metrics without their weights are unavailable and never replaced by others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench_lipsync.harness.api.metric import MetricInfo, Scorer
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.registry.metric_names import MetricNames, metric_names
from bench_lipsync.harness.registry.plugins import SCORERS
from bench_lipsync.harness.util.files import sha256_json


@dataclass(frozen=True)
class LoadedScorer:
    """A loaded scorer."""

    name: str
    scorer: Scorer
    wanted: tuple[MetricInfo, ...]
    """Those of its requested metrics that the run's protocol allows."""

    @property
    def needs_audio(self) -> bool:
        """Whether its numbers depend on the audio; if not, one result serves every audio."""
        return any("audio" in info.needs for info in self.scorer.metrics)

    @property
    def fingerprint(self) -> str:
        """Hash of the signatures of all its metrics."""
        return sha256_json(sorted(info.signature for info in self.scorer.metrics))


@dataclass(frozen=True)
class UnavailableScorer:
    """A scorer that could not be loaded, and why."""

    name: str
    wanted: tuple[MetricInfo, ...]
    reason: str
    """One sentence, for tables."""
    details: str
    """The whole message, for the log."""


@dataclass(frozen=True)
class ScorerSet:
    """The scorers of a run."""

    loaded: tuple[LoadedScorer, ...]
    unavailable: tuple[UnavailableScorer, ...]
    order: tuple[str, ...] = ()
    """Names of metrics in the order of the table's columns."""

    @property
    def signatures(self) -> list[str]:
        """Signatures of all metrics that can be computed, sorted."""
        return sorted(info.signature for loaded in self.loaded for info in loaded.wanted)


def require_metrics(metrics: Sequence[str]) -> None:
    """Raise `BenchError` unless every name is a metric's and their columns differ; nothing is loaded."""
    _columns(metric_names(), metrics)


def load_scorers(metrics: Sequence[str], device: str, with_reference: bool = True) -> ScorerSet:
    """Load each requested scorer once.

    Args:
        metrics: `NAME` or `NAME[VARIANT]`, upper or lower case.
        device: Where the networks run.
        with_reference: Whether there are ground-truth frames; `MetricInfo.is_measured` says what is left out if not.

    Raises:
        BenchError: No scorer computes a metric, or two scorers compute one column.

    """
    known = metric_names()
    requested = _columns(known, metrics)
    loaded: list[LoadedScorer] = []
    unavailable: list[UnavailableScorer] = []
    for name, columns in requested.items():
        factory = SCORERS.get(name)
        # The class knows its metrics without their weights, so that the table still shows the column.
        infos = [info for info in factory.describe() if info.column in columns]
        wanted = tuple(info for info in infos if info.is_measured(with_truth=with_reference))
        if not wanted:
            continue
        try:
            loaded.append(LoadedScorer(name, factory(device=device), wanted))
        except BenchError as error:
            unavailable.append(UnavailableScorer(name, wanted, f"unavailable: {error.short}", str(error)))
    return ScorerSet(tuple(loaded), tuple(unavailable), known.order)


def _columns(known: MetricNames, metrics: Sequence[str]) -> dict[str, set[str]]:
    """The requested columns of each scorer, scorers in the order of the first request."""
    requested: dict[str, set[str]] = {}
    owner: dict[str, str] = {}
    for offer in (offer for metric in metrics for offer in known.ask(metric)):
        column = offer.info.column
        if owner.setdefault(column, offer.scorer) != offer.scorer:
            both = f"{owner[column]!r} and {offer.scorer!r}"
            raise BenchError(f"the scorers {both} both compute {column}; one of them must name another variant")
        requested.setdefault(offer.scorer, set()).add(column)
    return requested
