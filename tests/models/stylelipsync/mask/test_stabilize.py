"""Steady poses: the tracker's habit of nodding with the lips is gone, what the head does stays."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from bench_lipsync.models.stylelipsync.mask.similarity import Similarity
from bench_lipsync.models.stylelipsync.mask.stabilize import steady

ANCHOR = np.array([0.0, 0.1, -0.2])


def filmed(yaw: np.ndarray, nod: np.ndarray, roll: np.ndarray, size: np.ndarray, place: np.ndarray) -> Similarity:
    rotation = Rotation.from_euler("YXZ", np.stack([yaw, nod, roll], axis=1), degrees=True).as_matrix()
    return Similarity(size, rotation, place - size[:, None] * (rotation @ ANCHOR))


def angles(poses: Similarity) -> np.ndarray:
    return Rotation.from_matrix(poses.rotation).as_euler("YXZ", degrees=True)


def talk(frames: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    opening = np.abs(gaussian_filter1d(rng.normal(size=frames), 1.5)) * (1 + np.sin(np.arange(frames) / 20))
    return 0.2 * opening / opening.max()


def test_nod_and_size_no_longer_follow_the_lips() -> None:
    lips, still = talk(200), np.zeros(200)
    nod, size = -5 * lips, 70 * np.exp(0.03 * lips)
    poses = steady(filmed(still, nod, still, size, np.full((200, 3), 128.0)), lips, ANCHOR)
    assert np.ptp(angles(poses)[:, 1]) < 0.1 * np.ptp(nod)
    assert np.ptp(poses.scale) < 0.1 * np.ptp(size)


def test_turns_and_places_are_followed_at_once() -> None:
    time = np.arange(100) / 25
    yaw, roll = 40 * np.sin(2 * time), 10 * np.cos(3 * time)
    place = np.stack([128 + 20 * np.sin(4 * time), 120 + 10 * np.cos(4 * time), 0 * time], axis=1)
    poses = steady(filmed(yaw, 0 * time, roll, np.full(100, 70.0), place), talk(100), ANCHOR)
    found = angles(poses)
    assert np.abs(found[:, 0] - yaw).max() < 1.5
    assert np.abs(found[:, 2] - roll).max() < 1
    assert np.abs(poses.apply(ANCHOR[None])[:, 0] - place).max() < 0.5


def test_slow_nods_and_approaches_are_followed() -> None:
    time = np.arange(250) / 25
    nod, size = 15 * np.sin(0.6 * time), 70 * np.exp(0.2 * np.sin(0.4 * time))
    poses = steady(filmed(0 * time, nod, 0 * time, size, np.full((250, 3), 128.0)), talk(250), ANCHOR)
    middle = slice(50, 200)
    assert np.abs(angles(poses)[:, 1] - nod)[middle].max() < 2
    assert np.abs(poses.scale / size - 1)[middle].max() < 0.05


def test_lips_that_do_not_move_change_nothing_and_turned_heads_do_not_jump() -> None:
    yaw = np.linspace(170, 190, 60)  # passes the seam of the angles
    still, closed = np.zeros(60), np.zeros(60)
    poses = steady(filmed(yaw, still, still, np.full(60, 70.0), np.full((60, 3), 128.0)), closed, ANCHOR)
    steps = np.linalg.norm(np.diff(poses.rotation, axis=0), axis=(1, 2))
    assert steps.max() < 0.02
    assert np.isfinite(poses.translation).all()
    np.testing.assert_allclose(poses.scale, 70)


def test_a_single_frame_stays_as_it_is() -> None:
    one = filmed(np.array([20.0]), np.array([5.0]), np.array([-3.0]), np.array([70.0]), np.full((1, 3), 128.0))
    found = steady(one, np.array([0.1]), ANCHOR)
    np.testing.assert_allclose(found.rotation, one.rotation, atol=1e-9)
    np.testing.assert_allclose(found.translation, one.translation, atol=1e-9)
