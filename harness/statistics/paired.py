"""Paired tests between models over common clips, and Holm's correction for having made many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench_lipsync.harness.statistics.cluster_sums import Contributions, difference, is_exact, ratio_error
from bench_lipsync.harness.statistics.intervals import enough

ALPHA = 0.05
"""Differences with a corrected p below it count."""
FEW_PEOPLE = "too few people for a test"
"""Why `paired_p` has no answer."""


def paired_p(one: Contributions, two: Contributions) -> float | None:
    """Two-sided p of no difference between two values over the same clips; `None` where there are too few people.

    Each person is their own control: the difference that each adds is divided by its jackknife error and compared with
    Student's t for the effective number of people. Raises `ValueError` for different clips.
    """
    from scipy.stats import t

    people = difference(one, two)
    if not enough(people):
        return None
    error = float(ratio_error(people.sums, people.weights))
    if is_exact(error, max(abs(one.value), abs(two.value))):
        return 1.0 if is_exact(abs(people.value), one.value) else 0.0
    return float(2 * t.sf(abs(people.value) / error, people.effective - 1))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction (1979): adjusted p in the given order, each at most 1; `None` (not tested) stays.

    The chance that any of the differences found at `ALPHA` is none stays below `ALPHA`, however the tests depend.
    """
    tested = [place for place, value in enumerate(p_values) if value is not None]
    p = np.asarray([p_values[place] for place in tested], dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    found = dict(zip(tested, map(float, adjusted), strict=True))
    return [found.get(place) for place in range(len(p_values))]
