"""A baseline's number beside a candidate's, over the clips that both have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench_lipsync.harness.gate.baseline import Baseline
from bench_lipsync.harness.results.common_clips import Comparison, Number, compare

_ROUNDING = 1e-7
"""Baseline files are rounded; a difference within it is none, however regular it is."""


def compare_sides(
    base: Baseline, candidate: Baseline, rows: tuple[str, str], column: str, beside: str | None = None
) -> Comparison:
    """Compare the number of a row of `base` with that of a row of `candidate`.

    Args:
        base: One side.
        candidate: The other side.
        rows: The row of each side.
        column: The number.
        beside: A row of both sides, whose numbers are given too where both have them.

    """
    old, new = base.number(rows[0], column), candidate.number(rows[1], column)
    if old is None or new is None:
        return Comparison()
    others = [side.number(beside, column) for side in (base, candidate)] if beside else []
    return compare(old, _unrounded(old, new), *(other for other in others if other and None not in others))


def _unrounded(old: Number, new: Number) -> Number:
    """`new` with the parts of `old` where they differ by rounding alone."""
    first, second = old.people, new.people
    if (
        first
        and second
        and first.groups == second.groups
        and np.allclose(first.sums, second.sums, rtol=_ROUNDING, atol=0.0)
    ):
        return replace(new, people=second.model_copy(update={"sums": first.sums}))
    return new
