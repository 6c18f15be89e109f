"""Intervals whose unit is the identity: clips of one person are not independent samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 2000
MIN_IDENTITIES = 5
"""Below this many people a percentile interval says nothing; `None` is reported instead."""


class Interval(NamedTuple):
    """A 95% interval."""

    low: float
    high: float


def identity_bootstrap(values: Sequence[float], identities: Sequence[str], seed: int = 0) -> Interval | None:
    """Percentile bootstrap of the clip mean, resampling whole identities with replacement.

    `values[i]` belongs to `identities[i]`. `None` with fewer than `MIN_IDENTITIES` identities.
    """
    names, which = np.unique(np.asarray(identities), return_inverse=True)
    if len(names) < MIN_IDENTITIES:
        return None
    sums = np.bincount(which, weights=np.asarray(values, dtype=np.float64))
    counts = np.bincount(which).astype(np.float64)
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(names), size=(RESAMPLES, len(names)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(low), float(high))
