"""Choosing moments by sound: known answers, and the best of all ways on small problems."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench_lipsync.baselines.nearest_sound.unit_selection import audio_features, choose_units, default_gap


def test_the_same_sounds_are_found_again() -> None:
    rng = np.random.default_rng(0)
    spoken = rng.normal(size=(40, 6)).astype(np.float32)
    order = np.r_[10:25, 3:9]
    assert (choose_units(spoken[order], spoken) == order).all()


def test_no_moment_stands_for_itself_or_its_neighbours() -> None:
    spoken = np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)
    chosen = choose_units(spoken, spoken, gap=10)
    assert (abs(chosen - np.arange(60)) >= 10).all()


def test_where_the_gap_leaves_nothing_all_may_be_used() -> None:
    spoken = np.random.default_rng(2).normal(size=(5, 3)).astype(np.float32)
    assert (choose_units(spoken, spoken, gap=99) == np.arange(5)).all()


def test_a_dear_jump_keeps_longer_runs() -> None:
    rng = np.random.default_rng(3)
    heard, spoken = (rng.normal(size=(80, 5)).astype(np.float32) for _ in range(2))
    runs = [1 + int((np.diff(choose_units(heard, spoken, jump=jump)) != 1).sum()) for jump in (0.0, 0.5, 5.0)]
    assert runs[0] > runs[1] > runs[2] >= 1


@pytest.mark.parametrize("seed", range(8))
def test_no_other_way_costs_less(seed: int) -> None:
    rng = np.random.default_rng(seed)
    heard, spoken = rng.normal(size=(4, 2)).astype(np.float32), rng.normal(size=(5, 2)).astype(np.float32)
    distance = np.linalg.norm(heard[:, None] - spoken[None], axis=2)
    jump = 0.5 * np.median(distance[0])

    def cost(way: tuple[int, ...]) -> float:
        near = sum(distance[row, at] for row, at in enumerate(way))
        return float(near + jump * sum(b != a + 1 for a, b in itertools.pairwise(way)))

    cheapest = min(cost(way) for way in itertools.product(range(5), repeat=4))
    assert cost(tuple(choose_units(heard, spoken))) == pytest.approx(cheapest, rel=1e-5)


def test_features_follow_the_sound_and_not_its_loudness() -> None:
    rng = np.random.default_rng(4)
    samples = (rng.normal(size=50 * 640) * 2000 * np.sin(np.arange(50 * 640) / 4000) ** 2).astype(np.int16)
    features = audio_features(samples, 50)
    assert features.shape == (50, 3 * 4 * 13) and features.dtype == np.float32
    assert np.corrcoef(features.ravel(), audio_features(samples // 2, 50).ravel())[0, 1] > 0.99


def test_silence_has_finite_features() -> None:
    assert np.isfinite(audio_features(np.zeros(10 * 640, np.int16), 10)).all()


def test_short_clips_have_a_smaller_gap() -> None:
    assert [default_gap(frames) for frames in (1, 20, 500)] == [1, 5, 25]
