"""What each person adds to a number of the table: all that intervals and tests need, for means and for FID alike.

Clips of one person are not independent samples, so the person (identity) is the unit. A mean over clips is the ratio
`sum(sums) / sum(weights)` of what the people add. Any other statistic is brought to that form by leaving out one person
at a time (the jackknife): how far the value moves says what that person added.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_PEOPLE = 1000
"""More people than this are bundled into as many groups (`bundles`)."""


@dataclass(frozen=True)
class Contributions:
    """A value as `sums.sum() / weights.sum()` over independent groups of clips."""

    groups: tuple[str, ...]
    """Names of the people, sorted; or of bundles of people, where there are many."""
    sums: NDArray[np.float64]
    """(groups,) on the scale on which intervals are made: the logarithm for distances that cannot be negative."""
    weights: NDArray[np.float64]
    """(groups,) clips of each."""

    @property
    def value(self) -> float:
        """The value that they make up, on their scale."""
        return float(self.sums.sum() / self.weights.sum())

    @property
    def effective(self) -> float:
        """How many equally large groups would say as much: their number, or fewer where some have most of the clips."""
        return float(self.weights.sum() ** 2 / np.square(self.weights).sum())


def from_clips(values: Sequence[float], identities: Sequence[str]) -> Contributions:
    """The mean of `values`; `values[i]` belongs to the person `identities[i]`. Raises `ValueError` without any."""
    if not len(values) or len(values) != len(identities):
        raise ValueError(f"{len(values)} values of {len(identities)} clips")
    names, which = np.unique(np.asarray(identities), return_inverse=True)
    return from_members(np.asarray(values, dtype=np.float64), which, tuple(map(str, names)))


def from_members(values: NDArray[np.float64], members: NDArray[np.intp], groups: Sequence[str]) -> Contributions:
    """`from_clips` where the people are numbered already: `values[i]` belongs to `groups[members[i]]`.

    Groups without a value are left out. Raises `ValueError` without any value.
    """
    if not len(values):
        raise ValueError("no values")
    weights = np.bincount(members, minlength=len(groups)).astype(np.float64)
    sums = np.bincount(members, weights=values, minlength=len(groups)).astype(np.float64)
    some = weights > 0
    names = tuple(name for name, has in zip(groups, some, strict=True) if has)
    return Contributions(names, sums[some], weights[some])


def bundles(people: Collection[str]) -> dict[str, str]:
    """Group of every person: the person, or with more than `MAX_PEOPLE` a bundle that the hash of the name chooses.

    Bundles of people are as independent as people are, and so many of them say as much; records of every single one
    would make up most of a large run's results.
    """
    if len(people) <= MAX_PEOPLE:
        return {person: person for person in people}
    numbers = {person: int(hashlib.sha256(person.encode()).hexdigest()[:8], 16) % MAX_PEOPLE for person in people}
    return {person: f"people-{number + 1:04d}" for person, number in numbers.items()}


def from_left_out(value: float, without: Mapping[str, float], clips: Mapping[str, int]) -> Contributions:
    """A statistic `value` of all groups, from its value `without` each group in turn; `clips` counts each group's.

    Equal to `from_clips` where the statistic is a mean. What all groups move the value by together is the jackknife's
    estimate of its bias; it is taken out, so that the value stays the one that is reported.
    """
    groups = tuple(sorted(without))
    weights = np.array([clips[group] for group in groups], dtype=np.float64)
    total = weights.sum()
    added = (value - np.array([without[group] for group in groups])) * (total - weights)
    return Contributions(groups, value * weights + added - weights * added.sum() / total, weights)


def difference(one: Contributions, two: Contributions) -> Contributions:
    """`one` minus `two` over the same clips. Raises `ValueError` where groups or their clips differ."""
    if one.groups != two.groups or not np.array_equal(one.weights, two.weights):
        raise ValueError("the two values are not over the same clips")
    return Contributions(one.groups, one.sums - two.sums, one.weights)


def ratio_error(sums: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Jackknife standard error of `sums.sum(-1) / weights.sum(-1)` over the last axis, which holds the groups."""
    groups = sums.shape[-1]
    total, mass = sums.sum(-1, keepdims=True), weights.sum(-1, keepdims=True)
    left = (total - sums) / (mass - weights)
    spread = np.square(left - left.mean(-1, keepdims=True)).sum(-1)
    return np.asarray(np.sqrt((groups - 1) / groups * spread))


def is_exact(error: float, value: float) -> bool:
    """Whether a standard error is nothing but rounding: every group says the same."""
    return error <= 1e-12 * max(1.0, math.fabs(value))
