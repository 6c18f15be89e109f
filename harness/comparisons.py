"""Paired tests of every two models of a run on every metric that has a better direction."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from harness.aggregate import ModelRun, Scored, clip_people, common_clips, pool_models
from harness.contributions import Contributions
from harness.metric import MetricInfo
from harness.paired import FEW_PEOPLE, holm, paired_p
from harness.plugins import BOUNDS
from harness.results import PairTest
from harness.scorers import LoadedScorer
from harness.status import ClipError


def pair_tests(scored: Scored) -> list[PairTest]:
    """Tests of every two asked models, corrected for all of them together; bounds are references and not tested."""
    models = [run for run in scored.runs if run.name not in BOUNDS and not run.unavailable]
    tests = [
        _test(scored, loaded, info, one, two)
        for one, two in combinations(models, 2)
        for loaded, info in _judged(scored)
    ]
    return correct(tests)


def correct(tests: list[PairTest]) -> list[PairTest]:
    """The same tests with `p_holm` over all that have a `p`."""
    adjusted = holm([test.p for test in tests])
    return [test.model_copy(update={"p_holm": p}) for test, p in zip(tests, adjusted, strict=True)]


def _judged(scored: Scored) -> Iterator[tuple[LoadedScorer, MetricInfo]]:
    for loaded in scored.scorers.loaded:
        yield from ((loaded, info) for info in loaded.wanted if info.direction != "none")


@dataclass(frozen=True)
class _Side:
    value: float
    people: Contributions | None


def _test(scored: Scored, loaded: LoadedScorer, info: MetricInfo, one: ModelRun, two: ModelRun) -> PairTest:
    untested = PairTest(one=one.name, two=two.name, column=info.column)
    try:
        clips = _common(scored, info, one, two)
        if not clips:
            note = one.refused.get(info.column) or two.refused.get(info.column) or "no clip that both have"
            return untested.model_copy(update={"note": note})
        first, second = (_side(scored, loaded, info, run, clips) for run in (one, two))
    except ClipError as error:
        return untested.model_copy(update={"note": error.reason})
    p = paired_p(first.people, second.people) if first.people and second.people else None
    return untested.model_copy(
        update={
            "difference": first.value - second.value,
            "p": p,
            "n_clips": len(clips),
            "n_people": len({scored.identities[clip] for clip in clips}),
            "note": "" if p is not None else FEW_PEOPLE,
        }
    )


def _common(scored: Scored, info: MetricInfo, one: ModelRun, two: ModelRun) -> set[str]:
    if info.level == "clip":
        return set(one.values(info.column)) & set(two.values(info.column))
    return common_clips(info.column, one, two, scored.truth) if scored.truth else set()


def _side(scored: Scored, loaded: LoadedScorer, info: MetricInfo, run: ModelRun, clips: set[str]) -> _Side:
    if info.level == "clip":
        values = {clip: value for clip, value in run.values(info.column).items() if clip in clips}
        return _Side(math.fsum(values.values()) / len(values), clip_people(values, scored.identities))
    pooled = pool_models(scored, loaded, run, clips)
    return _Side(pooled.values[info.column], pooled.people(info))
