"""The simulation of set metrics, in small: gross errors of intervals and tests would show."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy.statistics_simulation import SetStudy, set_shares


@pytest.mark.parametrize("name", ["FID", "KID"])
def test_intervals_of_set_metrics_hold_and_equal_models_seldom_differ(name: str) -> None:
    rng = np.random.default_rng(1)
    studies = [SetStudy(rng, people=8, dimensions=8, frames=10, severity=0.2) for _ in range(120)]
    held, wrong = set_shares(studies, name)
    assert held >= 0.89 and wrong <= 0.11
