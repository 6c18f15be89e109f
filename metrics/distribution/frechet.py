"""The Fréchet distance between two sets of features, as Gaussians: exact, stable, and in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bench_lipsync.harness.statistics.moments import FeatureMoments


def frechet_distance(output: Sequence[NDArray[np.float32]], truth: Sequence[NDArray[np.float32]]) -> float:
    """`|m1 - m2|^2 + tr(S1 + S2 - 2 sqrt(S1 S2))` of two sets of features, each given as parts (n, d).

    `m` and `S` are the mean and the covariance (n - 1) in float64. With centred features A (n1, d) and B (n2, d),
    S1 = A'A / (n1 - 1) and S2 = B'B / (n2 - 1), the trace of the root is the sum of the singular values of
    A B' / sqrt((n1 - 1)(n2 - 1)). That equals pytorch-fid's `sqrtm` without its cost (one SVD of at most d x d) and
    without its failures for fewer than d frames. Raises `ValueError` where a side has fewer than two rows.
    """
    mean_1, factor_1 = _moments(output)
    mean_2, factor_2 = _moments(truth)
    return _between(mean_1 - mean_2, factor_1, factor_2)


def frechet_of_moments(output: FeatureMoments, truth: FeatureMoments) -> float:
    """The same distance from sums over the rows, for more rows than memory holds; equal within 1e-9 (tests).

    Raises `ValueError` where a side has fewer than two rows.
    """
    return _between(output.mean - truth.mean, output.factor(), truth.factor())


def _between(shift: NDArray[np.float64], factor_1: NDArray[np.float64], factor_2: NDArray[np.float64]) -> float:
    root = np.linalg.svd(factor_1 @ factor_2.T, compute_uv=False).sum()
    distance = shift @ shift + np.square(factor_1).sum() + np.square(factor_2).sum() - 2.0 * root
    return max(0.0, float(distance))  # Rounding takes the distance of equal sets to about -1e-12.


def _moments(parts: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (d,) and a factor F (at most d rows) with F'F the covariance."""
    count = sum(len(part) for part in parts)
    if count < 2:
        raise ValueError(f"a covariance needs at least 2 frames, there are {count}")
    mean = np.sum([part.sum(axis=0, dtype=np.float64) for part in parts], axis=0) / count
    dimensions = len(mean)
    factor = np.empty((0, dimensions))
    for part in parts:
        factor = np.concatenate([factor, part.astype(np.float64) - mean])
        if len(factor) > 2 * dimensions:
            factor = _triangle(factor)
    if len(factor) > dimensions:
        factor = _triangle(factor)
    return mean, factor / np.sqrt(count - 1)


def _triangle(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """R of the QR decomposition: at most d rows with the same F'F."""
    return np.asarray(np.linalg.qr(rows, mode="r"))
