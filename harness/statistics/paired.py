"""Paired tests between models over common clips, and Holm's correction for multiple tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bench_lipsync.harness.statistics.cluster_sums import ClusterSums, difference, is_exact, ratio_error
from bench_lipsync.harness.statistics.intervals import has_enough_clusters

ALPHA = 0.05
"""Differences with a corrected p below it are significant."""
TOO_FEW = "too few people for a test"
"""Why `paired_p` has no answer."""


class PairedTest(NamedTuple):
    """A test, or why there is none."""

    p: float | None
    """Two-sided p of no difference, uncorrected; `None` if it could not be tested."""
    note: str = ""


def paired_p(first: ClusterSums, second: ClusterSums) -> float | None:
    """Two-sided p of no difference between two values over the same clips.

    Each speaker is their own control: the difference of the speakers' sums is divided by its jackknife error and
    compared with Student's t for the effective number of clusters.

    Returns:
        The p value in 0 to 1; `None` if there are too few speakers.

    Raises:
        ValueError: The values are over different clips.

    Example:
        >>> from bench_lipsync.harness.statistics.cluster_sums import from_clips
        >>> speakers = ["a", "b", "c", "d", "e", "f"]
        >>> first = from_clips([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], speakers)
        >>> second = from_clips([1.2, 2.1, 3.3, 4.1, 5.2, 6.3], speakers)
        >>> round(paired_p(first, second), 4)
        0.0028

    """
    from scipy.stats import t

    sums = difference(first, second)
    if not has_enough_clusters(sums):
        return None
    error = float(ratio_error(sums.sums, sums.weights))
    if is_exact(error, max(abs(first.value), abs(second.value))):
        return 1.0 if is_exact(abs(sums.value), first.value) else 0.0
    return float(2 * t.sf(abs(sums.value) / error, sums.effective - 1))


def paired_test(first: ClusterSums | None, second: ClusterSums | None) -> PairedTest:
    """`paired_p` with a note where it has no answer; `None` stands for a value without sums."""
    p = paired_p(first, second) if first and second else None
    return PairedTest(p, TOO_FEW if p is None else "")


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction (1979).

    The probability that any difference is called significant at `ALPHA` while there is none stays below `ALPHA`,
    however the tests depend on each other.

    Args:
        p_values: One p per test; `None` where nothing was tested.

    Returns:
        The adjusted p values in the same order, each at most 1; `None` stays.

    Example:
        >>> holm([0.01, None, 0.04, 0.03])
        [0.03, None, 0.06, 0.06]

    """
    tested = [place for place, value in enumerate(p_values) if value is not None]
    p = np.asarray([p_values[place] for place in tested], dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    by_place = dict(zip(tested, map(float, adjusted), strict=True))
    return [by_place.get(place) for place in range(len(p_values))]
