"""Sums over rows of features, from which means and covariances of any union of clips follow without the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1024
_SMALL = 1e-14
"""Directions with less than this share of the largest variance are rounding, as still clips have many."""


@dataclass(frozen=True)
class FeatureMoments:
    """Number, sum and sum of products of rows of d features, in float64."""

    count: int
    total: NDArray[np.float64]
    """(d,)"""
    products: NDArray[np.float64]
    """(d, d) sum of the outer products of every row with itself; symmetric."""

    def __add__(self, other: FeatureMoments) -> FeatureMoments:
        return FeatureMoments(self.count + other.count, self.total + other.total, self.products + other.products)

    def __sub__(self, other: FeatureMoments) -> FeatureMoments:
        return FeatureMoments(self.count - other.count, self.total - other.total, self.products - other.products)

    @property
    def mean(self) -> NDArray[np.float64]:
        """(d,) Raises `ValueError` with fewer than two rows, as `factor`."""
        self._require()
        return self.total / self.count

    def factor(self) -> NDArray[np.float64]:
        """F of at most d rows with F'F the covariance (n - 1)."""
        covariance = (self.products - self.count * np.outer(self.mean, self.mean)) / (self.count - 1)
        variances, directions = np.linalg.eigh(covariance)
        kept = variances > _SMALL * max(variances[-1], 0.0)
        return np.asarray((directions[:, kept] * np.sqrt(variances[kept])).T)

    def save(self, path: Path) -> None:
        """Write a safetensors file; of the symmetric products one half is kept."""
        from safetensors.numpy import save

        half = self.products[np.triu_indices(len(self.total))]
        path.write_bytes(save({"count": np.array(self.count, np.int64), "total": self.total, "products": half}))

    @classmethod
    def load(cls, path: Path) -> FeatureMoments:
        """Read what `save` wrote."""
        from safetensors.numpy import load

        arrays = load(path.read_bytes())
        total = arrays["total"]
        products = np.zeros((len(total), len(total)))
        products[np.triu_indices(len(total))] = arrays["products"]
        return cls(int(arrays["count"]), total, _mirrored(products))

    def _require(self) -> None:
        if self.count < 2:
            raise ValueError(f"a covariance needs at least 2 frames, there are {self.count}")


def moments(parts: Iterable[NDArray[np.float32]], dimensions: int) -> FeatureMoments:
    """FeatureMoments of the rows of all `parts` (n, dimensions), a block at a time."""
    from scipy.linalg.blas import dsyrk

    count, total = 0, np.zeros(dimensions)
    products = np.zeros((dimensions, dimensions), order="F")
    for rows in _blocks(parts):
        products = dsyrk(1.0, rows.T, beta=1.0, c=products, overwrite_c=1)  # The upper half.
        total += rows.sum(axis=0)
        count += len(rows)
    return FeatureMoments(count, total, _mirrored(products))


def _mirrored(upper: NDArray[np.float64]) -> NDArray[np.float64]:
    """A symmetric matrix from its upper half, in place."""
    lower = np.tril_indices(len(upper), -1)
    upper[lower] = upper.T[lower]
    return upper


def _blocks(parts: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float64]]:
    """The rows of all parts, about `_BLOCK` at a time: large products cost less a row than small ones."""
    waiting: list[NDArray[np.float64]] = []
    for part in parts:
        for start in range(0, len(part), _BLOCK):
            waiting.append(np.asarray(part[start : start + _BLOCK], dtype=np.float64))
            if sum(map(len, waiting)) >= _BLOCK:
                yield np.concatenate(waiting)
                waiting = []
    if waiting:
        yield np.concatenate(waiting)
