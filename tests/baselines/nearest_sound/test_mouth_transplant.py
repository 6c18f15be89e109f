"""A mouth moved into another frame: the place it comes to, and what stays untouched."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bench_lipsync.baselines.nearest_sound.mouth_transplant import transplant
from bench_lipsync.harness.faces.head_pose import canonical_face

SIZE = 128


def _points(yaw: float = 0.0, shift: float = 0.0) -> NDArray[np.float32]:
    """The canonical face turned and moved, as landmarks in pixels of a picture of `SIZE`."""
    face = canonical_face().vertices @ np.diag([1.0, -1.0, -1.0])
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    placed = face @ turn.T * (SIZE / 25) + [SIZE / 2 + shift, SIZE / 2, 0]
    return np.concatenate([placed, np.zeros((478 - len(placed), 3))]).astype(np.float32)


def _dot(points: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A grey picture with a light spot between the lips."""
    ys, xs = np.mgrid[:SIZE, :SIZE] + 0.5
    x, y = points[[13, 14], :2].mean(axis=0)
    spot = np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / 18)
    return np.repeat((100 + 150 * spot)[..., None], 3, axis=2).astype(np.uint8)


def _centre(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    weights = picture[..., 0].astype(float) - 100
    ys, xs = np.mgrid[:SIZE, :SIZE] + 0.5
    return np.array([(weights * xs).sum(), (weights * ys).sum()]) / weights.sum()


@pytest.mark.parametrize(("yaw", "shift"), [(0.0, 0.0), (0.0, 9.5), (0.4, 0.0), (-0.3, -6.0)])
def test_the_mouth_goes_where_the_head_has_it(yaw: float, shift: float) -> None:
    source_points, points = _points(), _points(yaw, shift)
    plain = np.full((SIZE, SIZE, 3), 100, np.uint8)
    drawn = transplant(plain, points, _dot(source_points), source_points)
    assert np.linalg.norm(_centre(drawn) - points[[13, 14], :2].mean(axis=0)) < 0.6


def test_a_frame_given_to_itself_stays() -> None:
    points = _points(0.2)
    ramp = np.arange(SIZE, dtype=np.uint8)
    smooth = np.stack(np.broadcast_arrays(ramp, ramp[:, None] + 60, ramp[::-1] + 9), axis=-1)
    assert abs(transplant(smooth, points, smooth, points).astype(int) - smooth).max() <= 1


def test_everything_above_the_nose_is_the_frames_own() -> None:
    points = _points()
    frame = np.random.default_rng(1).integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8)
    drawn = transplant(frame, points, np.zeros_like(frame), points)
    nose = int(points[4, 1]) - 8
    assert (drawn[:nose] == frame[:nose]).all()
    assert drawn[int(points[14, 1]), int(points[14, 0])].max() < 20, "the mouth is the source's"
