"""Per-frame values in a run folder: kept whole, with their gaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.curves import CURVES_FILE, Curve, peaks, read_curves, write_table


def test_curves_come_back_with_their_gaps(tmp_path: Path) -> None:
    curves = [
        Curve("m", "c", "SSIM[x]", np.array([0.5, np.nan, 0.25], np.float32)),
        Curve("", "c", "yaw", np.array([], np.float32)),
        Curve("<m>", "d/../e", "LSE-C[x]", np.array([-1.0], np.float32)),
    ]
    write_table(curves, tmp_path)
    found = list(read_curves(tmp_path))
    assert [curve[:3] for curve in found] == [curve[:3] for curve in curves]
    for one, two in zip(found, curves, strict=True):
        np.testing.assert_array_equal(one.values, two.values)
    assert [path.name for path in tmp_path.iterdir()] == [CURVES_FILE]


def test_no_file_is_no_curves(tmp_path: Path) -> None:
    assert list(read_curves(tmp_path)) == []


def test_peaks_are_of_whole_frames() -> None:
    audio = np.zeros(2 * 640 + 100, np.int16)
    audio[3], audio[640], audio[1300] = 16384, -32768, 32767
    low, high = peaks(audio)
    np.testing.assert_array_equal(low, [0.0, -1.0])
    np.testing.assert_array_equal(high, [0.5, 0.0])
    assert [len(part) for part in peaks(audio[:100])] == [0, 0]
