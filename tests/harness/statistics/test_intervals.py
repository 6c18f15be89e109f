"""Intervals: properties, known answers, and what they cover in synthetic studies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench_lipsync.harness.statistics.cluster_sums import from_clips, from_left_out, ratio_error
from bench_lipsync.harness.statistics.intervals import MIN_CLUSTERS, Interval, asinh_interval, interval


def _names(counts: list[int]) -> list[str]:
    return [f"p{person}" for person, count in enumerate(counts) for _ in range(count)]


def test_too_few_people_give_no_interval() -> None:
    people = [f"p{i % (MIN_CLUSTERS - 1)}" for i in range(50)]
    assert interval(from_clips(list(np.arange(50.0)), people)) is None


def test_one_person_with_nearly_all_clips_is_one_person() -> None:
    counts = [200, 1, 1, 1, 1, 1]
    assert interval(from_clips(list(np.arange(float(sum(counts)))), _names(counts))) is None


def test_the_interval_holds_the_mean_and_is_repeatable() -> None:
    values = list(np.random.default_rng(1).normal(3, 1, 60))
    people = from_clips(values, [f"p{i % 12}" for i in range(60)])
    first = interval(people, seed=4)
    assert first is not None and first.low < np.mean(values) < first.high
    assert people.value == pytest.approx(np.mean(values), rel=1e-12)
    assert first == interval(people, seed=4)


def test_clips_of_one_person_are_not_independent() -> None:
    """Ten copies of each person's clip add no information; the interval must not shrink."""
    person = np.random.default_rng(2).normal(0, 1, 20)
    single = interval(from_clips(list(person), [str(i) for i in range(20)]))
    tenfold = interval(from_clips(list(np.repeat(person, 10)), [str(i) for i in range(20) for _ in range(10)]))
    assert single is not None and tenfold is not None
    assert np.allclose(single, tenfold, rtol=1e-9)


def test_identical_values_have_no_width() -> None:
    found = interval(from_clips([2.0] * 8, list("abcdefgh")))
    assert found == Interval(2.0, 2.0)


def test_it_moves_and_scales_with_the_values() -> None:
    values, names = np.random.default_rng(3).gamma(2, size=30), _names([3] * 10)
    one, two = interval(from_clips(list(values), names)), interval(from_clips(list(5 - 2 * values), names))
    assert one is not None and two is not None
    assert np.allclose([two.low, two.high], [5 - 2 * one.high, 5 - 2 * one.low], rtol=0.02)


def test_with_one_clip_a_person_the_error_is_the_textbooks() -> None:
    values = np.random.default_rng(4).normal(size=40)
    people = from_clips(list(values), _names([1] * 40))
    assert float(ratio_error(people.sums, people.weights)) == pytest.approx(stats.sem(values), rel=1e-12)
    low, high = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))
    found = interval(people)
    assert found is not None and found.low <= low + 1e-12 and found.high >= high - 1e-12
    assert found.high - found.low < 1.15 * (high - low)


def test_leaving_people_out_tells_the_same_of_a_mean() -> None:
    rng = np.random.default_rng(5)
    counts = [1, 4, 2, 7, 3, 3]
    values, names = rng.normal(size=sum(counts)), np.array(_names(counts))
    direct = from_clips(list(values), list(names))
    without = {name: float(values[names != name].mean()) for name in direct.groups}
    indirect = from_left_out(float(values.mean()), without, {f"p{i}": count for i, count in enumerate(counts)})
    assert indirect.groups == direct.groups
    assert np.allclose(indirect.sums, direct.sums) and np.array_equal(indirect.weights, direct.weights)


@pytest.mark.parametrize(("people", "most"), [(8, 1), (8, 8), (20, 8)])
def test_95_percent_means_95_percent(people: int, most: int) -> None:
    """Skewed effects of people and clips; the full table is `benchmarks/accuracy/statistics_simulation.py`."""
    rng = np.random.default_rng(people + most)
    studies, held = 600, 0
    for _ in range(studies):
        counts = rng.integers(1, most + 1, people)
        effects = np.repeat(rng.gamma(4, size=people) - 4, counts) + rng.gamma(4, size=counts.sum()) - 4
        found = interval(from_clips(list(effects), _names(list(counts))))
        held += found is not None and found.low <= 0 <= found.high
    assert 0.93 <= held / studies <= 0.975


def test_bent_interval_follows_a_spread_that_grows_with_the_value_and_may_cross_zero() -> None:
    rng = np.random.default_rng(3)
    names = [str(i) for i in range(12)]
    far = from_clips(list(np.square(rng.gamma(4, size=12))), names)
    straight, bent = interval(far), asinh_interval(far)
    assert straight is not None and bent is not None
    assert bent.low < far.value < bent.high
    assert bent.high - far.value > straight.high - far.value, "more room above, where squares spread"
    near = from_clips(list(rng.normal(0, 1e-3, 12)), names)
    straight, bent = interval(near), asinh_interval(near)
    assert straight is not None and bent is not None and bent.low < 0 < bent.high
    assert np.allclose(bent, straight, atol=5e-4)
    mirrored = asinh_interval(from_clips(list(-near.sums), names))
    assert mirrored is not None and np.allclose(mirrored, (-bent.high, -bent.low), atol=1e-4)


def test_bent_interval_of_few_or_equal_people() -> None:
    assert asinh_interval(from_clips([1.0, 2.0], ["a", "b"])) is None
    assert asinh_interval(from_clips([2.0] * 8, list("abcdefgh"))) == Interval(2.0, 2.0)
    assert asinh_interval(from_clips([0.0] * 8, list("abcdefgh"))) == Interval(0.0, 0.0)
