"""95% intervals over people, by a studentised bootstrap; what they cover is measured in `docs/statistics.md`."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.statistics.cluster_sums import Contributions, from_left_out, is_exact, ratio_error

LEVEL = 0.95
RESAMPLES = 2000
MIN_PEOPLE = 5
"""Below this many people nothing can be said about people in general; `None` is reported instead."""
MIN_EFFECTIVE = 2.0
"""The same where nearly all clips are one person's (`Contributions.effective`)."""
_BEND = 2.0
"""Jackknife errors around zero within which `bent_interval`'s scale is straight; chosen in docs/statistics.md."""
_BLOCK = 1 << 20


class Interval(NamedTuple):
    """A 95% interval."""

    low: float
    high: float


def enough(people: Contributions) -> bool:
    """Whether an interval or a test over these people means anything."""
    return len(people.groups) >= MIN_PEOPLE and people.effective >= MIN_EFFECTIVE


def interval(people: Contributions, seed: int = 0) -> Interval | None:
    """Interval of the value of `people`, on their scale; `None` where there are too few of them.

    People are drawn with replacement. Of every draw the studentised value is taken, (value - observed) / jackknife
    error, and its quantiles are the critical values: unlike those of the plain percentile bootstrap they allow for how
    badly few people tell their own spread, and for skew. With few people the bootstrap's tails are themselves
    uncertain, so neither is let below Student's quantile for the effective number of people.
    """
    if not enough(people):
        return None
    error = float(ratio_error(people.sums, people.weights))
    value = people.value
    if is_exact(error, value):
        return Interval(value, value)
    below, above = _critical(people, seed)
    return Interval(value - above * error, value + below * error)


def bent_interval(people: Contributions, seed: int = 0) -> Interval | None:
    """`interval` for a set metric that is made of squares and can be negative, as KID.

    Its spread grows with it, as that of FID, but it has no logarithm. So the interval is made on the scale
    asinh(value / 2 errors), which is straight near zero and a logarithm far from it, and brought back.
    """
    if not enough(people):
        return None
    unit = _BEND * float(ratio_error(people.sums, people.weights))
    if is_exact(unit, people.value):
        return Interval(people.value, people.value)
    without = (people.sums.sum() - people.sums) / (people.weights.sum() - people.weights)
    names = people.groups
    bent = from_left_out(
        math.asinh(people.value / unit),
        dict(zip(names, np.arcsinh(without / unit).tolist(), strict=True)),
        dict(zip(names, people.weights.astype(int).tolist(), strict=True)),
    )
    found = interval(bent, seed)
    return None if found is None else Interval(*(unit * math.sinh(end) for end in found))


def student(people: Contributions) -> float:
    """Student's two-sided critical value for the effective number of people."""
    from scipy.stats import t

    return float(t.ppf(0.5 + LEVEL / 2, people.effective - 1))


class _Critical(NamedTuple):
    below: float
    above: float


def _critical(people: Contributions, seed: int) -> _Critical:
    drawn = np.concatenate(_studentised(people, seed))
    low, high = np.quantile(drawn, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    floor = student(people)
    return _Critical(max(-float(low), floor), max(float(high), floor))


def _studentised(people: Contributions, seed: int) -> list[NDArray[np.float64]]:
    """Studentised values of `RESAMPLES` draws; those of one person alone have no error and are left out."""
    rng = np.random.default_rng(seed)
    count = len(people.groups)
    rows = max(1, _BLOCK // count)
    parts = []
    for start in range(0, RESAMPLES, rows):
        draws = rng.integers(count, size=(min(rows, RESAMPLES - start), count))
        sums, weights = people.sums[draws], people.weights[draws]
        errors = ratio_error(sums, weights)
        values = sums.sum(-1) / weights.sum(-1)
        some = errors > 1e-9 * errors.max()
        parts.append((values[some] - people.value) / errors[some])
    return parts
