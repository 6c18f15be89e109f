"""Per-frame values in a run folder: kept whole, with their gaps."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench_lipsync.harness.results.frame_curves import CURVES_FILE, Curve, peaks, read_curves, write_table


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


def many(clips: int, frames: int = 1000) -> Iterator[Curve]:
    for number in range(clips):
        yield Curve("m", f"clip-{number:05d}", "SSIM[x]", np.full(frames, number, np.float32))


def test_many_curves_are_never_in_memory_together(tmp_path: Path) -> None:
    """Written and read a part at a time: four times the curves are nowhere near four times the memory."""
    peak = {}
    for clips in (3000, 12_000):
        tracemalloc.start()
        write_table(many(clips), tmp_path)
        read = 0
        for curve in read_curves(tmp_path):
            read += len(curve.values)
        peak[clips] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert read == clips * 1000
    assert peak[12_000] < 1.3 * peak[3000] < 40e6


def test_only_the_clips_that_are_shown_are_read(tmp_path: Path) -> None:
    write_table(many(5000, frames=300), tmp_path)
    found = list(read_curves(tmp_path, ["clip-04711", "clip-00003", "no such clip"]))
    assert [curve.clip for curve in found] == ["clip-00003", "clip-04711"]
    assert all(np.array_equal(curve.values, np.full(300, int(curve.clip[5:]))) for curve in found)
    assert list(read_curves(tmp_path, [])) == []


def test_the_same_curves_give_the_same_file(tmp_path: Path) -> None:
    first = write_table(many(3000), tmp_path).read_bytes()
    assert write_table(list(many(3000)), tmp_path).read_bytes() == first
