from __future__ import annotations

import numpy as np
import pytest

from bench_lipsync.harness.faces.track_builder import interpolate


def test_gaps_are_bridged_in_a_straight_line_and_ends_are_held():
    detected = np.array([False, True, False, False, True, False])
    values = np.array([9, 1, 9, 9, 4, 9], np.float32)[:, None]
    assert interpolate(values, detected)[:, 0] == pytest.approx([1, 1, 2, 3, 4, 4])
    complete = np.ones(6, bool)
    assert np.array_equal(interpolate(values, complete), values)
