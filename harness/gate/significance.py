"""The paired test between a baseline's number and a candidate's, where both are over the same clips."""

from __future__ import annotations

import numpy as np

from bench_lipsync.harness.gate.baseline import Baseline, Value
from bench_lipsync.harness.results.row_tests import compare_rows
from bench_lipsync.harness.results.schema import PeopleRecord
from bench_lipsync.harness.statistics.paired import PairedTest

_ROUNDING = 1e-7
"""Baseline files are rounded; a difference within it is none, however regular it is."""


def gate_p(base: Baseline, candidate: Baseline, old: Value, new: Value) -> PairedTest:
    """The test of `old` of `base` against `new` of `candidate`, uncorrected."""
    first, second = _record(base, old), _record(candidate, new)
    if (
        first
        and second
        and first.groups == second.groups
        and np.allclose(first.sums, second.sums, rtol=_ROUNDING, atol=0.0)
    ):
        second = second.model_copy(update={"sums": first.sums})
    return compare_rows(first, second)


def _record(baseline: Baseline, value: Value) -> PeopleRecord | None:
    if not value.sums:
        return None
    people = baseline.people[value.people]
    names = sorted(people.groups)
    weights = [people.groups[name] for name in names]
    return PeopleRecord(groups=names, sums=value.sums, weights=weights, scale=value.scale, clips=people.clips)
