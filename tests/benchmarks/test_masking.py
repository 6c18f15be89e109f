"""The measurements of masks: known answers, and what they say of masks that leak and masks that do not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.store.store import Store
from benchmarks.accuracy.masking_measures import chance, correlation, edge_motion, fast, kept_under, measure, pooled

SIZE = 256


def disc(x: float, radius: float = 60.0) -> np.ndarray:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    distance = np.hypot(columns - x, rows - 128.0)
    return np.clip((distance - radius) / 8 + 0.5, 0, 1).astype(np.float32)


def still() -> np.ndarray:
    return np.array([[1.0, 0, 0], [0, 1, 0]])


def test_kept_under_takes_the_worst_point() -> None:
    keep = np.zeros((2, SIZE, SIZE), np.float32)
    keep[1, 10, 20] = 0.7
    points = np.array([[[20, 10], [5, 5]]] * 2, np.float32)
    np.testing.assert_allclose(kept_under(keep, points), [0, 0.7], rtol=1e-6)
    assert kept_under(np.ones((1, SIZE, SIZE), np.float32), np.full((1, 1, 2), -50, np.float32)) == 0


def test_edge_motion_is_in_pixels() -> None:
    grown = edge_motion(np.stack([disc(128, 60), disc(128, 61.5)]), [still()])
    assert grown[0] == pytest.approx(1.5, rel=0.1)


def test_motion_of_the_head_is_taken_out() -> None:
    pair = np.stack([disc(120), disc(124)])
    assert edge_motion(pair, [still()])[0] > 1
    assert edge_motion(pair, [np.array([[1.0, 0, 4], [0, 1, 0]])])[0] < 0.05
    assert np.isnan(edge_motion(pair, [None])[0])


def test_correlation_of_something_constant_is_zero() -> None:
    assert correlation(np.ones(9), np.arange(9.0)) == 0
    assert correlation(np.arange(9.0), -2 * np.arange(9.0)) == pytest.approx(-1)


def test_pooling_ignores_differences_between_clips() -> None:
    rng = np.random.default_rng(0)
    pairs = [(rng.normal(size=400) + 10 * level, rng.normal(size=400) + 10 * level) for level in range(5)]
    assert abs(pooled(pairs)) < 0.1


def test_a_leak_lies_outside_of_chance() -> None:
    rng = np.random.default_rng(1)
    openings = [np.cumsum(rng.normal(size=200)) for _ in range(12)]
    leaky = [(opening, opening + 0.3 * np.cumsum(rng.normal(size=200))) for opening in openings]
    low, high = chance(leaky, pooled, rounds=50)
    assert low < 0 < high < 0.6 < pooled(leaky)


def test_fast_part_has_no_trend() -> None:
    trend, syllables = np.linspace(0, 10, 200), np.sin(np.arange(200.0))
    assert correlation(fast(trend + syllables)[20:-20], syllables[20:-20]) > 0.95


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(("name", "yaw"), [("grid/lbax4n.mpg", 0), ("lrs3/TRajLqEaWhQ_00002.mp4", 30)])
def test_real_clips_are_covered_and_the_lips_are_not_told(shared: Path, tmp_path: Path, name: str, yaw: float) -> None:
    from bench_lipsync.harness.stages.stages import prepare

    clip = prepare(Clip(id="real", identity="real", video=shared / "media" / name), 256, Store(tmp_path))
    found = measure(clip, ["pose-aware", "landmark", "box", "half-frame"])
    posed, tracked = found["pose-aware"], found["landmark"]
    assert np.abs(posed.yaw).max() >= yaw
    assert (posed.worst < 0.05).all(), "every point of lips and chin is hidden in every frame"
    # One clip's r is mostly chance: how much area comes with an opening says more.
    leaks = [float(fast(row.opening) @ fast(row.area)) for row in (posed, tracked)]
    assert correlation(fast(tracked.opening), fast(tracked.area)) > 0.4, "the true jaw gives the lips away"
    assert abs(leaks[0]) < 0.2 * leaks[1]
    assert fast(posed.area).std() < 0.6 * fast(tracked.area).std()
    assert np.nanmean(posed.edge) < np.nanmean(tracked.edge)


def test_opencv_follows_a_picture() -> None:
    from benchmarks.accuracy.masking_measures import _flow

    rng = np.random.default_rng(2)
    picture = cv2.GaussianBlur(rng.integers(0, 255, (SIZE, SIZE), np.uint8), (7, 7), 0)
    motion = _flow(
        picture, np.roll(picture, 3, axis=1), np.array([[60, 60], [200, 60], [200, 160], [60, 160]], np.float32)
    )
    assert motion is not None
    np.testing.assert_allclose(motion[:, 2], [3, 0], atol=0.3)
    assert _flow(np.zeros_like(picture), picture, np.array([[60, 60], [200, 60], [200, 160]], np.float32)) is None
