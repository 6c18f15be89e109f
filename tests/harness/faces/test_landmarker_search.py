from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench_lipsync.harness.faces.landmarker import _tiles, search
from bench_lipsync.harness.faces.region import Region


@given(st.integers(20, 2000), st.integers(20, 2000), st.floats(0.2, 1))
def test_squares_cover_the_picture_and_overlap_by_half(width: int, height: int, part: float):
    side = part * min(width, height)
    tiles = _tiles(Region(10, 5, width, height), side)
    columns, rows = sorted({tile.x for tile in tiles}), sorted({tile.y for tile in tiles})
    for starts, low, length in [(columns, 10, width), (rows, 5, height)]:
        assert starts[0] == low
        assert starts[-1] + side == pytest.approx(low + length)
        assert np.diff(starts).max(initial=0) <= side / 2 + 1e-6


class Nothing:
    def __init__(self) -> None:
        self.looks = 0

    def faces(self, picture: np.ndarray, region: Region | None = None) -> list:
        self.looks += 1
        return []


def test_the_number_of_looks_is_bounded():
    nothing = Nothing()
    assert search(nothing, np.zeros((720, 1280, 3), np.uint8)) == []
    assert nothing.looks == 3 + 3 * 7
    assert search(nothing, np.zeros((720, 1280, 3), np.uint8), Region(5000, 0, 10, 10)) == []
