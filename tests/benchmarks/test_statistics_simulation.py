"""The simulation of set metrics, in small: gross errors of intervals and tests would show."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.statistics_simulation import DISTANCES, SetStudy
from harness.intervals import interval
from harness.paired import ALPHA, paired_p


@pytest.mark.parametrize("name", ["FID", "KID"])
def test_intervals_of_set_metrics_hold_and_equal_models_seldom_differ(name: str) -> None:
    rng, log = np.random.default_rng(1), name == "FID"
    pairs = []
    for _ in range(120):
        study = SetStudy(rng, people=8, dimensions=8, frames=10, severity=0.2)
        pairs.append([study.people(model, DISTANCES[name], log) for model in range(2)])
    values = [one.value for one, _ in pairs]
    target = float(np.log(np.mean(np.exp(values)))) if log else float(np.mean(values))
    ends = [interval(one) for one, _ in pairs]
    held = np.mean([found is not None and found.low <= target <= found.high for found in ends])
    wrong = np.mean([(paired_p(one, two) or 0.0) <= ALPHA for one, two in pairs])
    assert held >= 0.89 and wrong <= 0.11
