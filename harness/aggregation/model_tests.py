"""Paired tests of every two models of a run on every metric that has a better direction."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bench_lipsync.harness.aggregation.measurements import Measurements
from bench_lipsync.harness.aggregation.rows import common_clips
from bench_lipsync.harness.api.metric import MetricInfo
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.registry.plugins import BOUNDS
from bench_lipsync.harness.results.model_run import ModelRun
from bench_lipsync.harness.results.schema import PairTest
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.statistics.cluster_sums import ClusterSums, mean
from bench_lipsync.harness.statistics.paired import holm, paired_test


def pair_tests(measurements: Measurements) -> list[PairTest]:
    """Paired tests of every two requested models, with Holm's correction over all of them.

    Bound rows are references and not tested; neither are metrics without a better direction.
    """
    models = [run for run in measurements.runs if run.name not in BOUNDS and not run.unavailable]
    tests = [
        _test(measurements, loaded, info, first, second)
        for first, second in combinations(models, 2)
        for loaded in measurements.scorers.loaded
        for info in loaded.wanted
        if info.direction != "none"
    ]
    return correct(tests)


def correct(tests: list[PairTest]) -> list[PairTest]:
    """The same tests with `p_holm` over all that have a `p`."""
    adjusted = holm([test.p for test in tests])
    return [test.model_copy(update={"p_holm": p}) for test, p in zip(tests, adjusted, strict=True)]


@dataclass(frozen=True)
class _Sides:
    """The values of both models over the clips that both have."""

    values: tuple[float, float]
    clusters: tuple[ClusterSums | None, ClusterSums | None]
    clips: int
    speakers: int


def _test(
    measurements: Measurements, loaded: LoadedScorer, info: MetricInfo, first: ModelRun, second: ModelRun
) -> PairTest:
    untested = PairTest(one=first.name, two=second.name, column=info.column)
    try:
        if info.level == "clip":
            sides = _means(measurements, info, first, second)
        else:
            sides = _pooled(measurements, loaded, info, first, second)
    except ClipError as error:
        return untested.model_copy(update={"note": error.reason})
    if sides is None:
        note = first.refused.get(info.column) or second.refused.get(info.column) or "no clip that both have"
        return untested.model_copy(update={"note": note})
    p, note = paired_test(*sides.clusters)
    return untested.model_copy(
        update={
            "difference": sides.values[0] - sides.values[1],
            "p": p,
            "n_clips": sides.clips,
            "n_people": sides.speakers,
            "note": note,
        }
    )


def _means(measurements: Measurements, info: MetricInfo, first: ModelRun, second: ModelRun) -> _Sides | None:
    values = [measurements.values(run, info.column) for run in (first, second)]
    both = np.isfinite(values[0]) & np.isfinite(values[1])
    if not both.any():
        return None
    return _Sides(
        (mean(values[0][both]), mean(values[1][both])),
        (measurements.cluster_sums(values[0], both), measurements.cluster_sums(values[1], both)),
        int(both.sum()),
        measurements.speakers_in(both),
    )


def _pooled(
    measurements: Measurements, loaded: LoadedScorer, info: MetricInfo, first: ModelRun, second: ModelRun
) -> _Sides | None:
    truth = measurements.truth
    clips = common_clips(measurements, info.column, first, second, truth) if truth else set()
    if not clips:
        return None
    pooled = [measurements.pooled(loaded, run, clips) for run in (first, second)]
    return _Sides(
        (pooled[0].values[info.column], pooled[1].values[info.column]),
        (pooled[0].clusters(info), pooled[1].clusters(info)),
        len(clips),
        len({measurements.identities[clip] for clip in clips}),
    )
