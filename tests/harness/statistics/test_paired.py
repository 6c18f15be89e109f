"""The paired test and Holm's correction."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench_lipsync.harness.statistics.cluster_sums import from_clips
from bench_lipsync.harness.statistics.paired import ALPHA, holm, paired_p


def _two(one: np.ndarray, two: np.ndarray, names: list[str]) -> float | None:
    return paired_p(from_clips(list(one), names), from_clips(list(two), names))


def test_with_one_clip_a_person_it_is_the_textbooks_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(2, 15))
    assert _two(one, two, [str(i) for i in range(15)]) == pytest.approx(stats.ttest_rel(one, two).pvalue, rel=1e-9)


def test_copies_of_clips_are_no_evidence() -> None:
    rng = np.random.default_rng(1)
    one, two = rng.normal(size=(2, 12))
    names = [str(i) for i in range(12)]
    many = _two(np.repeat(one, 9), np.repeat(two, 9), list(np.repeat(names, 9)))
    assert many == pytest.approx(_two(one, two, names), rel=1e-9)


def test_equal_models_do_not_differ_and_a_constant_gain_does() -> None:
    one, names = np.random.default_rng(2).normal(size=8), list("abcdefgh")
    assert _two(one, one, names) == 1.0
    assert _two(one + 0.25, one, names) == 0.0


def test_it_has_no_answer_for_too_few_people_or_other_clips() -> None:
    values = np.arange(4.0)
    assert _two(values, values + 1, list("abcd")) is None
    with pytest.raises(ValueError, match="same clips"):
        paired_p(from_clips([1.0, 2.0], ["a", "b"]), from_clips([1.0, 2.0], ["a", "c"]))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
    assert holm([None, 0.01, None, 0.04]) == [None, 0.02, None, 0.04], "what was not tested needs no correction"


def _null(rng: np.random.Generator, people: int, tests: int = 1) -> list[float]:
    """Two models that differ by nothing but chance, `tests` correlated metrics, 1 to 8 clips a person."""
    counts = rng.integers(1, 9, people)
    names = [f"p{i}" for i, count in enumerate(counts) for _ in range(count)]
    shared = np.repeat(rng.normal(size=people), counts)
    found = []
    for _ in range(tests):
        gap = shared + np.repeat(rng.normal(size=people), counts) + rng.normal(size=len(names))
        base = rng.normal(size=len(names))
        p = _two(base + gap, base, names)
        assert p is not None
        found.append(p)
    return found


def test_it_finds_differences_that_are_none_in_one_study_of_twenty() -> None:
    rng = np.random.default_rng(3)
    rate = np.mean([_null(rng, 10)[0] <= ALPHA for _ in range(1000)])
    assert 0.035 <= rate <= 0.065


def test_after_holm_any_of_ten_metrics_is_wrong_in_at_most_one_table_of_twenty() -> None:
    rng = np.random.default_rng(4)
    rate = np.mean([min(holm(_null(rng, 10, tests=10))) <= ALPHA for _ in range(200)])
    assert rate <= 0.08
