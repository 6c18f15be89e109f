"""Paired tests of every two models of a run on every metric that has a better direction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench_lipsync.harness.aggregation.measurements import Scored
from bench_lipsync.harness.aggregation.rows import common_clips, mean
from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.registry.plugins import BOUNDS
from bench_lipsync.harness.results.model_run import ModelRun
from bench_lipsync.harness.results.schema import PairTest
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.statistics.cluster_sums import ClusterSums
from bench_lipsync.harness.statistics.paired import holm, paired_test


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
class _Sides:
    """Both models' values over the clips that both have."""

    values: tuple[float, float]
    people: tuple[ClusterSums | None, ClusterSums | None]
    clips: int
    speakers: int


def _test(scored: Scored, loaded: LoadedScorer, info: MetricInfo, one: ModelRun, two: ModelRun) -> PairTest:
    untested = PairTest(one=one.name, two=two.name, column=info.column)
    try:
        found = (_means if info.level == "clip" else _pooled)(scored, loaded, info, one, two)
    except ClipError as error:
        return untested.model_copy(update={"note": error.reason})
    if found is None:
        note = one.refused.get(info.column) or two.refused.get(info.column) or "no clip that both have"
        return untested.model_copy(update={"note": note})
    p, note = paired_test(*found.people)
    return untested.model_copy(
        update={
            "difference": found.values[0] - found.values[1],
            "p": p,
            "n_clips": found.clips,
            "n_people": found.speakers,
            "note": note,
        }
    )


def _means(scored: Scored, loaded: LoadedScorer, info: MetricInfo, one: ModelRun, two: ModelRun) -> _Sides | None:
    first, second = scored.values(one, info.column), scored.values(two, info.column)
    both = np.isfinite(first) & np.isfinite(second)
    if not both.any():
        return None
    return _Sides(
        (mean(first[both]), mean(second[both])),
        (scored.people(first, both), scored.people(second, both)),
        int(both.sum()),
        scored.people_in(both),
    )


def _pooled(scored: Scored, loaded: LoadedScorer, info: MetricInfo, one: ModelRun, two: ModelRun) -> _Sides | None:
    clips = common_clips(scored, info.column, one, two, scored.truth) if scored.truth else set()
    if not clips:
        return None
    first, second = (scored.pooled(loaded, run, clips) for run in (one, two))
    return _Sides(
        (first.values[info.column], second.values[info.column]),
        (first.people(info), second.people(info)),
        len(clips),
        len({scored.identities[clip] for clip in clips}),
    )
