from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from media_files import MATRICES, set_matrix, write_video

from bench_lipsync.harness.media import decode_video, probe
from bench_lipsync.harness.media.display_matrix import Orientation


def corners() -> np.ndarray:
    """A different grey in each quarter: 40 80 / 120 200."""
    picture = np.zeros((32, 64, 3), np.uint8)
    for (row, column), level in zip(itertools.product((0, 16), (0, 32)), (40, 80, 120, 200), strict=True):
        picture[row : row + 16, column : column + 32] = level
    return picture


def quarters(frame: np.ndarray) -> list[int]:
    height, width, _ = frame.shape
    levels = [frame[y * height // 4, x * width // 4, 0] for y in (1, 3) for x in (1, 3)]
    return [round(int(level) / 10) * 10 for level in levels]


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [(0, [40, 80, 120, 200]), (90, [120, 40, 200, 80]), (180, [200, 120, 80, 40]), (270, [80, 200, 40, 120])],
)
def test_rotation_is_applied_and_reported(tmp_path: Path, degrees: int, expected: list[int]):
    path = write_video(tmp_path / "a.mp4", [corners()] * 3, codec="libx264", pixels="yuv420p")
    set_matrix(path, *MATRICES[degrees])
    (chunk,) = decode_video(path)
    info = probe(path).video
    assert quarters(chunk[0]) == expected
    assert (info.height, info.width) == chunk.shape[1:3]
    assert (info.rotation, info.mirrored) == (degrees, False)
    assert chunk.flags.c_contiguous


def test_a_mirrored_selfie(tmp_path: Path):
    path = write_video(tmp_path / "a.mp4", [corners()] * 3, codec="libx264", pixels="yuv420p")
    set_matrix(path, -1, 0, 0, 1)
    (chunk,) = decode_video(path)
    assert quarters(chunk[0]) == [80, 40, 200, 120]
    assert (probe(path).video.rotation, probe(path).video.mirrored) == (0, True)


def test_what_is_reported_rebuilds_what_is_shown():
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    for flags in itertools.product((False, True), repeat=3):
        turn = Orientation(*flags)
        start = picture[:, ::-1] if turn.mirrored else picture
        assert np.array_equal(turn.apply(picture), np.rot90(start, -turn.rotation // 90))
