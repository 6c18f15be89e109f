"""95% intervals over speakers, by a studentised bootstrap; their coverage is measured in `docs/statistics.md`."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.statistics.cluster_sums import ClusterSums, from_left_out, is_exact, ratio_error

LEVEL = 0.95
RESAMPLES = 2000
MIN_CLUSTERS = 5
"""With fewer speakers nothing can be said about speakers in general, and the interval is `None`."""
MIN_EFFECTIVE = 2.0
"""The same where nearly all clips are of one speaker (`ClusterSums.effective`)."""
_LINEAR_ERRORS = 2.0
"""Jackknife errors around zero within which the scale of `asinh_interval` is linear; chosen in docs/statistics.md."""
_BLOCK = 1 << 20


class Interval(NamedTuple):
    """A 95% interval."""

    low: float
    high: float


def has_enough_clusters(sums: ClusterSums) -> bool:
    """Whether there are enough clusters for an interval or a test."""
    return len(sums.groups) >= MIN_CLUSTERS and sums.effective >= MIN_EFFECTIVE


def interval(sums: ClusterSums, seed: int = 0) -> Interval | None:
    """95% interval of `sums.value`.

    Speakers are drawn with replacement `RESAMPLES` times. The critical values are the quantiles of the studentised
    draws, (value - observed) / jackknife error. Unlike the quantiles of a percentile bootstrap, they account for the
    unreliable variance estimate of small samples, and for skewness. With few speakers the bootstrap's tails are
    themselves uncertain, so neither critical value is below Student's for the effective number of clusters.

    Args:
        sums: The value as sums over speakers.
        seed: Of the resampling.

    Returns:
        The interval on the scale of `sums`; `None` if there are too few speakers (`MIN_CLUSTERS`, `MIN_EFFECTIVE`).

    """
    if not has_enough_clusters(sums):
        return None
    error, value = float(ratio_error(sums.sums, sums.weights)), sums.value
    if is_exact(error, value):
        return Interval(value, value)
    below, above = _critical_values(sums, seed)
    return Interval(value - above * error, value + below * error)


def asinh_interval(sums: ClusterSums, seed: int = 0) -> Interval | None:
    """`interval` for a set metric that is quadratic and can be negative, such as KID.

    Like that of FID, its spread grows with its value, but it has no logarithm. The interval is made on the scale
    asinh(value / 2 errors), which is linear near zero and logarithmic far from it, and transformed back.
    """
    if not has_enough_clusters(sums):
        return None
    unit = _LINEAR_ERRORS * float(ratio_error(sums.sums, sums.weights))
    if is_exact(unit, sums.value):
        return Interval(sums.value, sums.value)
    without = (sums.sums.sum() - sums.sums) / (sums.weights.sum() - sums.weights)
    scaled = from_left_out(
        math.asinh(sums.value / unit),
        dict(zip(sums.groups, np.arcsinh(without / unit).tolist(), strict=True)),
        dict(zip(sums.groups, sums.weights.astype(int).tolist(), strict=True)),
    )
    ends = interval(scaled, seed)
    return None if ends is None else Interval(*(unit * math.sinh(end) for end in ends))


def t_critical(sums: ClusterSums) -> float:
    """Two-sided critical value of Student's t for the effective number of clusters."""
    from scipy.stats import t

    return float(t.ppf(0.5 + LEVEL / 2, sums.effective - 1))


class _CriticalValues(NamedTuple):
    below: float
    above: float


def _critical_values(sums: ClusterSums, seed: int) -> _CriticalValues:
    draws = np.concatenate(_studentised_draws(sums, seed))
    low, high = np.quantile(draws, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    floor = t_critical(sums)
    return _CriticalValues(max(-float(low), floor), max(float(high), floor))


def _studentised_draws(sums: ClusterSums, seed: int) -> list[NDArray[np.float64]]:
    """Studentised values of `RESAMPLES` draws, in blocks that bound the memory."""
    rng = np.random.default_rng(seed)
    count = len(sums.groups)
    rows = max(1, _BLOCK // count)
    parts = []
    for start in range(0, RESAMPLES, rows):
        draws = rng.integers(count, size=(min(rows, RESAMPLES - start), count))
        drawn, weights = sums.sums[draws], sums.weights[draws]
        errors = ratio_error(drawn, weights)
        values = drawn.sum(-1) / weights.sum(-1)
        usable = errors > 1e-9 * errors.max()  # A draw of one speaker alone has no error.
        parts.append((values[usable] - sums.value) / errors[usable])
    return parts
