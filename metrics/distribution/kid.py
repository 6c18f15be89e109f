"""Kernel Inception distance (Bińkowski et al. 2018): FID's features compared by a polynomial kernel, without bias.

The features are FID's; `metrics.distribution.fid.FidScorer` computes them once and gives both metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.metric import CountedRows, MetricInfo, Tolerance
from bench_lipsync.harness.assets.lookup import asset_spec

SUBSETS = 100
SUBSET_SIZE = 1000
_SEED = 2020
_GRAM_ROWS = 10_000
"""Features of both sides up to which the kernel of all pairs costs less than that of 100 subsets."""
_BLOCK = 1000

INFO = MetricInfo(
    name="KID",
    variant="inception-2015-12-05",
    direction="lower",
    unit="",
    range=(None, None),
    level="set",
    needs=frozenset(),
    signature=f"KID|net=inception-2015-12-05@{asset_spec('inception_fid').sha256[:6]}|frames=crop|resize=bilinear299"
    f"|kernel=(x.y/2048+1)^3|subsets={SUBSETS}x{SUBSET_SIZE}|seed={_SEED}|v1",
    definition="Mean over random subsets of the unbiased squared maximum mean discrepancy between the InceptionV3 "
    "features of output and ground-truth frames, with a cubic kernel. Unbiased for any number of frames; equal "
    "distributions give values around 0, also slightly negative ones.",
    default=True,
    tolerance=Tolerance(relative=0.2, absolute=0.002),
)


class KernelDistance(NamedTuple):
    """Mean and standard deviation over the subsets."""

    mean: float
    deviation: float


class _Choice(NamedTuple):
    """Rows of both sides that make up one subset."""

    output: NDArray[np.intp]
    truth: NDArray[np.intp]


def kernel_distance(
    output: Sequence[NDArray[np.float32]],
    truth: Sequence[NDArray[np.float32]],
    subsets: int = SUBSETS,
    subset_size: int = SUBSET_SIZE,
) -> KernelDistance:
    """KID of two sets of features, each given as parts (n, d), of which only a subset's rows are in memory at a time.

    Draws as torch-fidelity does (same generator, seed and order), and so gives its value. A subset has at most as many
    rows as the smaller side; where both sides have no more, all subsets are the same and one is computed.
    Raises `ValueError` where a side has fewer than two rows.
    """
    rows_x, rows_y = _rows(output), _rows(truth)
    in_x, in_y = int(rows_x.sum()), int(rows_y.sum())
    size = min(subset_size, in_x, in_y)
    if size < 2:
        raise ValueError(f"a kernel distance needs at least 2 frames a side, there are {in_x} and {in_y}")
    choices = _choices(in_x, in_y, size, 1 if size == in_x == in_y else subsets)
    if in_x + in_y <= _GRAM_ROWS:
        x, y = np.concatenate(list(output)), np.concatenate(list(truth))
        values = _discrepancies(
            x, y, _members([c.output for c in choices], in_x), _members([c.truth for c in choices], in_y)
        )
    else:
        members = np.ones((1, size))
        subset_pairs = ((_taken(output, rows_x, c.output), _taken(truth, rows_y, c.truth)) for c in choices)
        values = np.concatenate([_discrepancies(x, y, members, members) for x, y in subset_pairs])
    return KernelDistance(float(values.mean()), float(values.std()))


def _rows(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.int64]:
    """(parts,) number of rows of each part."""
    return parts.rows() if isinstance(parts, CountedRows) else np.array([len(part) for part in parts], np.int64)


@lru_cache(maxsize=32)  # All models of a run have as many frames; a draw takes as long as there are frames.
def _choices(in_x: int, in_y: int, size: int, subsets: int) -> tuple[_Choice, ...]:
    draw = np.random.RandomState(_SEED).choice  # the generator that the reference draws with
    return tuple(_Choice(draw(in_x, size, replace=False), draw(in_y, size, replace=False)) for _ in range(subsets))


def _taken(parts: Sequence[NDArray[np.float32]], rows: NDArray[np.int64], wanted: NDArray[np.intp]) -> NDArray[Any]:
    """Rows `wanted` of all parts together, in that order; each part is read once."""
    starts = np.concatenate([[0], np.cumsum(rows)])
    owner = np.searchsorted(starts, wanted, side="right") - 1
    order = np.argsort(owner, kind="stable")
    places, firsts = np.unique(owner[order], return_index=True)
    taken: NDArray[Any] | None = None
    for place, mine in zip(places, np.split(order, firsts[1:]), strict=True):
        rows_of_part = np.asarray(parts[int(place)][wanted[mine] - starts[place]])
        if taken is None:
            taken = np.empty((len(wanted), rows_of_part.shape[1]), rows_of_part.dtype)
        taken[mine] = rows_of_part
    if taken is None:
        raise ValueError("no rows are wanted")
    return taken


def _members(choices: Sequence[NDArray[np.intp]], count: int) -> NDArray[np.float64]:
    """(subsets, count) 1 where a row belongs to a subset, else 0."""
    table = np.zeros((len(choices), count))
    for row, choice in zip(table, choices, strict=True):
        row[choice] = 1.0
    return table


def _discrepancies(
    x: NDArray[np.float32], y: NDArray[np.float32], in_x: NDArray[np.float64], in_y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(subsets,) unbiased squared discrepancies; the diagonal counts between the sides and not within them."""
    size = in_x[0].sum()
    pairs = size * (size - 1)
    within_x = _sums(x, x, in_x, in_x) - in_x @ _kernel(np.square(x.astype(np.float64)).sum(axis=1), x.shape[1])
    within_y = _sums(y, y, in_y, in_y) - in_y @ _kernel(np.square(y.astype(np.float64)).sum(axis=1), y.shape[1])
    return np.asarray((within_x + within_y) / pairs - 2.0 * _sums(x, y, in_x, in_y) / size**2)


def _sums(
    a: NDArray[np.float32], b: NDArray[np.float32], in_a: NDArray[np.float64], in_b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(subsets,) sum of the kernel over all pairs of each subset.

    Products in float32, which moves values of real frames by less than 1e-9; sums in float64, whose difference counts.
    """
    total = np.zeros(len(in_a))
    for start in range(0, len(a), _BLOCK):
        rows = slice(start, start + _BLOCK)
        kernel = _kernel((a[rows] @ b.T).astype(np.float64), a.shape[1])
        total += ((in_a[:, rows] @ kernel) * in_b).sum(axis=1)
    return total


def _kernel(products: NDArray[np.float64], dimensions: int) -> NDArray[np.float64]:
    base = products / dimensions + 1.0
    return np.asarray(base * base * base)
