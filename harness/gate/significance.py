"""The paired test between a baseline's number and a candidate's, where both are over the same clips."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench_lipsync.harness.gate.baseline import Baseline, Value
from bench_lipsync.harness.statistics.cluster_sums import Contributions
from bench_lipsync.harness.statistics.paired import FEW_PEOPLE, paired_p

OTHER_CLIPS = "the values are over different clips"
_ROUNDING = 1e-7
"""Baseline files are rounded; what that changes is no difference, however regular it is."""
NO_PARTS = "what each person adds is not known"


class Tested(NamedTuple):
    """A test, or why there is none."""

    p: float | None
    why: str = ""


def gate_p(base: Baseline, candidate: Baseline, one: Value, two: Value) -> Tested:
    """Two-sided p of no difference between `one` of `base` and `two` of `candidate`, uncorrected."""
    if not one.sums or not two.sums or one.scale != two.scale:
        return Tested(None, NO_PARTS)
    first, second = base.people[one.people], candidate.people[two.people]
    if first.clips != second.clips or first.groups != second.groups:
        return Tested(None, OTHER_CLIPS)
    names = tuple(sorted(first.groups))
    weights = np.array([first.groups[name] for name in names])
    sums = [np.array(value.sums) for value in (one, two)]
    if np.allclose(sums[0], sums[1], rtol=_ROUNDING, atol=0.0):
        sums[1] = sums[0]
    p = paired_p(*(Contributions(names, part, weights) for part in sums))
    return Tested(p) if p is not None else Tested(None, FEW_PEOPLE)
