"""Per-speaker sums behind a number of the table: the input of intervals and tests, for clip and set metrics alike.

Clips of one speaker are not independent samples, so the speaker (identity) is the unit, called a cluster here. A mean
over clips is the ratio `sum(sums) / sum(weights)` over the clusters. Any other statistic is brought to that form by the
jackknife: how far the value moves when a cluster is left out gives that cluster's sum.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_CLUSTERS = 1000
"""More identities than this are bundled into as many clusters (`bundles`)."""


@dataclass(frozen=True)
class ClusterSums:
    """A value as `sums.sum() / weights.sum()` over independent clusters of clips."""

    groups: tuple[str, ...]
    """Names of the clusters, sorted: identities, or bundles of identities where there are many."""
    sums: NDArray[np.float64]
    """(groups,) on the scale of the interval: the logarithm for distances that cannot be negative."""
    weights: NDArray[np.float64]
    """(groups,) number of clips."""

    @property
    def value(self) -> float:
        """The value, on the scale of `sums`."""
        return float(self.sums.sum() / self.weights.sum())

    @property
    def effective(self) -> float:
        """Effective number of clusters, `(sum w)^2 / sum w^2`; smaller than their number where sizes differ."""
        return float(self.weights.sum() ** 2 / np.square(self.weights).sum())


def mean(values: Collection[float] | NDArray[np.float64]) -> float:
    """Arithmetic mean, exactly rounded whatever the order of `values`."""
    return math.fsum(values) / len(values)


def from_clips(values: Sequence[float], identities: Sequence[str]) -> ClusterSums:
    """Cluster sums of a mean over clips.

    Args:
        values: (clips,) one value per clip.
        identities: (clips,) the speaker of each clip.

    Raises:
        ValueError: There are no values, or another number of identities.

    Example:
        >>> sums = from_clips([1.0, 3.0, 8.0], ["anna", "anna", "bert"])
        >>> sums.groups, sums.sums.tolist(), sums.value
        (('anna', 'bert'), [4.0, 8.0], 4.0)

    """
    if not len(values) or len(values) != len(identities):
        raise ValueError(f"{len(values)} values of {len(identities)} clips")
    names, members = np.unique(np.asarray(identities), return_inverse=True)
    return from_members(np.asarray(values, dtype=np.float64), members, tuple(map(str, names)))


def from_members(values: NDArray[np.float64], members: NDArray[np.intp], groups: Sequence[str]) -> ClusterSums:
    """`from_clips` for numbered clusters: `values[i]` belongs to `groups[members[i]]`.

    Clusters without a value are left out.

    Raises:
        ValueError: There are no values.

    """
    if not len(values):
        raise ValueError("no values")
    weights = np.bincount(members, minlength=len(groups)).astype(np.float64)
    sums = np.bincount(members, weights=values, minlength=len(groups)).astype(np.float64)
    filled = weights > 0
    names = tuple(name for name, is_filled in zip(groups, filled, strict=True) if is_filled)
    return ClusterSums(names, sums[filled], weights[filled])


def bundles(identities: Collection[str]) -> dict[str, str]:
    """Cluster of every identity: itself, or with more than `MAX_CLUSTERS` a bundle chosen by the hash of its name.

    Bundles are as independent as identities are, and `MAX_CLUSTERS` of them support the same statements; a record of
    every identity would be the largest part of a large run's results.
    """
    if len(identities) <= MAX_CLUSTERS:
        return {name: name for name in identities}
    numbers = {name: int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % MAX_CLUSTERS for name in identities}
    return {name: f"people-{number + 1:04d}" for name, number in numbers.items()}


def from_left_out(value: float, without: Mapping[str, float], clips: Mapping[str, int]) -> ClusterSums:
    """Cluster sums of any statistic, by the jackknife; equal to `from_clips` where the statistic is a mean.

    Args:
        value: The statistic over all clusters.
        without: The statistic without each cluster in turn, by the cluster that is left out.
        clips: Number of clips of each cluster.

    Returns:
        Sums with `value` as their value. The jackknife's estimate of the bias, which is what all clusters move the
        value by together, is taken out of them, so that the reported value stays the same.

    """
    groups = tuple(sorted(without))
    weights = np.array([clips[group] for group in groups], dtype=np.float64)
    total = weights.sum()
    added = (value - np.array([without[group] for group in groups])) * (total - weights)
    return ClusterSums(groups, value * weights + added - weights * added.sum() / total, weights)


def difference(first: ClusterSums, second: ClusterSums) -> ClusterSums:
    """`first` minus `second` over the same clips.

    Raises:
        ValueError: The clusters or their numbers of clips differ.

    """
    if first.groups != second.groups or not np.array_equal(first.weights, second.weights):
        raise ValueError("the two values are not over the same clips")
    return ClusterSums(first.groups, first.sums - second.sums, first.weights)


def ratio_error(sums: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Jackknife standard error of `sums.sum(-1) / weights.sum(-1)`.

    Args:
        sums: (..., groups)
        weights: (..., groups)

    Returns:
        (...,) the errors.

    """
    groups = sums.shape[-1]
    total, mass = sums.sum(-1, keepdims=True), weights.sum(-1, keepdims=True)
    left = (total - sums) / (mass - weights)
    spread = np.square(left - left.mean(-1, keepdims=True)).sum(-1)
    return np.asarray(np.sqrt((groups - 1) / groups * spread))


def is_exact(error: float, value: float) -> bool:
    """Whether a standard error is nothing but rounding: all clusters have the same value."""
    return error <= 1e-12 * max(1.0, math.fabs(value))
