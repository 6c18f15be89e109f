from __future__ import annotations

import numpy as np

from harness.stats import MIN_IDENTITIES, identity_bootstrap


def test_too_few_people_give_no_interval() -> None:
    people = [f"p{i % (MIN_IDENTITIES - 1)}" for i in range(50)]
    assert identity_bootstrap(list(np.arange(50.0)), people) is None


def test_the_interval_holds_the_mean_and_is_repeatable() -> None:
    values = list(np.random.default_rng(1).normal(3, 1, 60))
    people = [f"p{i % 12}" for i in range(60)]
    first = identity_bootstrap(values, people, seed=4)
    assert first is not None and first.low < np.mean(values) < first.high
    assert first == identity_bootstrap(values, people, seed=4)


def test_clips_of_one_person_are_not_independent() -> None:
    """Ten copies of each person's clip add no information; the interval must not shrink."""
    rng = np.random.default_rng(2)
    person = rng.normal(0, 1, 20)
    single = identity_bootstrap(list(person), [str(i) for i in range(20)])
    tenfold = identity_bootstrap(list(np.repeat(person, 10)), [str(i) for i in range(20) for _ in range(10)])
    assert single is not None and tenfold is not None
    assert np.isclose(single.high - single.low, tenfold.high - tenfold.low, rtol=1e-9)


def test_identical_values_have_no_width() -> None:
    interval = identity_bootstrap([2.0] * 8, list("abcdefgh"))
    assert interval is not None and interval.low == interval.high == 2.0
