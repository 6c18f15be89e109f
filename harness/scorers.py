"""Loading the scorers that a run asks for; a missing weight makes metrics unavailable, never replaced."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from harness.files import sha256_json
from harness.metric import MetricInfo, Scorer
from harness.plugins import SCORERS, SCORERS_BY_METRIC
from harness.status import BenchError


@dataclass(frozen=True)
class LoadedScorer:
    """A scorer that can work here."""

    name: str
    scorer: Scorer
    wanted: tuple[MetricInfo, ...]
    """Those of its metrics that the run asked for (full-reference ones are left out where there is no reference)."""

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
    """A scorer that cannot work here, and why."""

    name: str
    wanted: tuple[MetricInfo, ...]
    reason: str


@dataclass(frozen=True)
class ScorerSet:
    """Everything that a run measures with."""

    loaded: tuple[LoadedScorer, ...]
    unavailable: tuple[UnavailableScorer, ...]


def load_scorers(metrics: Sequence[str], device: str, with_reference: bool = True) -> ScorerSet:
    """Load each scorer once. `metrics` are names as users type them, upper or lower case, `NAME` or `NAME[VARIANT]`.

    Raises `BenchError` for a metric that nobody computes.
    """
    asked = [_canonical(metric) for metric in metrics]
    names = list(dict.fromkeys(name for metric in asked for name in SCORERS_BY_METRIC[metric]))
    loaded: list[LoadedScorer] = []
    unavailable: list[UnavailableScorer] = []
    for name in names:
        factory = SCORERS.get(name)
        try:
            scorer: Scorer = factory(device=device)
        except BenchError as error:
            # The class knows its metrics without their weights, so that the table still shows the column.
            wanted = _wanted(name, factory.describe(), asked, with_reference)  # type: ignore[attr-defined]
            if wanted:
                unavailable.append(UnavailableScorer(name, wanted, f"unavailable: {error}"))
            continue
        wanted = _wanted(name, scorer.metrics, asked, with_reference)
        if wanted:
            loaded.append(LoadedScorer(name, scorer, wanted))
    return ScorerSet(tuple(loaded), tuple(unavailable))


def _wanted(
    scorer: str, infos: Sequence[MetricInfo], asked: Sequence[str], with_reference: bool
) -> tuple[MetricInfo, ...]:
    usable = [info for info in infos if with_reference or info.level == "set" or "truth" not in info.needs]
    # `LSE-C[whole-frame]` asks one scorer for LSE-C, and none of the others.
    names = {metric.partition("[")[0] for metric in asked if scorer in SCORERS_BY_METRIC[metric]}
    return tuple(info for info in usable if info.name in names)


def _canonical(metric: str) -> str:
    for known in SCORERS_BY_METRIC:
        if known.lower() == metric.lower():
            return known
    lower = {known.lower(): known for known in SCORERS_BY_METRIC}
    near = difflib.get_close_matches(metric.lower(), list(lower), n=1)
    hint = f"did you mean {lower[near[0]]}?" if near else f"known: {', '.join(SCORERS_BY_METRIC)}"
    raise BenchError(f"no metric is called {metric!r}; {hint}")
