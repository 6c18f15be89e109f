"""How far raters agree: Krippendorff's alpha, which allows for chance and for raters who saw different questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def alpha(answers: Sequence[Mapping[str, int]], domain: Sequence[int]) -> float | None:
    """Krippendorff's alpha (2004, ordinal) of raters' `answers`, each by item; 1 is full agreement, 0 that of chance.

    `None` where no item has two answers or all answers are one value: nothing can be said about agreement then.
    """
    import krippendorff

    items = sorted({item for rater in answers for item in rater})
    table = np.array([[rater.get(item, np.nan) for item in items] for rater in answers], np.float64)
    if not items or not (np.isfinite(table).sum(axis=0) > 1).any():
        return None
    paired = table[:, np.isfinite(table).sum(axis=0) > 1]
    if len(np.unique(paired[np.isfinite(paired)])) < 2:
        return None
    found = krippendorff.alpha(reliability_data=paired, value_domain=list(domain), level_of_measurement="ordinal")
    return float(found)
