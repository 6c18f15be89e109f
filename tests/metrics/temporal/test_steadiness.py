"""Known answers on pictures that move in a known way: a textured face cut-out, shifted, flickering or trembling."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from check_scorer import check_scorer, score_clip

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.landmark_indices import FACE_SIDES
from bench_lipsync.harness.faces.track import LANDMARKS
from bench_lipsync.metrics.temporal.formulas import JAW, acceleration, lower_face, lower_face_box, warping_error
from bench_lipsync.metrics.temporal.scorer import JITTER, TWE, SteadinessScorer

SIZE, FRAMES, WIDTH = 128, 8, 80.0


def picture() -> np.ndarray:
    """(192, 192, 3) float smooth texture with structure at many scales."""
    import cv2

    rng = np.random.default_rng(0)
    layers = [cv2.GaussianBlur(rng.normal(0, 1, (192, 192, 3)), (0, 0), sigma) * sigma for sigma in (1.5, 3, 6, 12)]
    return np.asarray(np.clip(128 + 45 * sum(layers), 20, 235))


def moved(offsets: np.ndarray, levels: np.ndarray | None = None) -> np.ndarray:
    """Frames (T, SIZE, SIZE, 3): `picture` shifted by `offsets` (T, 2) pixels, made brighter by `levels` (T,)."""
    import cv2

    base, corner = picture(), (192 - SIZE) / 2
    frames = []
    for index, (x, y) in enumerate(offsets):
        place = np.float32([[1, 0, x - corner], [0, 1, y - corner]])
        frame = cv2.warpAffine(base, place, (SIZE, SIZE), flags=cv2.INTER_CUBIC)
        frames.append(frame + (0 if levels is None else levels[index]))
    return np.clip(np.round(frames), 0, 255).astype(np.uint8)


def clip(frames: int = FRAMES, centre: float = SIZE / 2) -> Any:
    """A clip whose jaw points lie on a half circle around (`centre`, `centre`)."""
    landmarks = np.zeros((frames, LANDMARKS, 3), np.float32)
    angles = np.linspace(np.pi, 0, len(JAW))
    landmarks[:, JAW, 0] = centre + 35 * np.cos(angles)
    landmarks[:, JAW, 1] = centre + 35 * np.sin(angles)
    landmarks[:, FACE_SIDES, 0] = centre + WIDTH / 2 * np.array([-1, 1])
    landmarks[:, FACE_SIDES, 1] = centre
    return SimpleNamespace(faces=SimpleNamespace(landmarks=landmarks), size=SIZE)


def measure(frames: np.ndarray) -> tuple[float, float]:
    values = score_clip(SteadinessScorer(), clip(len(frames)), frames).values
    return values[TWE.column], values[JITTER.column]


STILL = np.zeros((FRAMES, 2))


def test_a_still_picture_is_exactly_steady() -> None:
    assert measure(moved(STILL)) == (0.0, 0.0)


def test_constant_motion_is_steady() -> None:
    steady = np.outer(np.arange(FRAMES) - FRAMES / 2, [1.5, -0.75])
    error, jitter = measure(moved(steady))
    unexplained = np.abs(np.diff(moved(steady).astype(float), axis=0)).mean()
    assert error < 0.1 * unexplained
    assert jitter < 100 * 0.1 / WIDTH, "a tenth of a pixel"


def test_acceleration_is_measured_in_face_widths() -> None:
    # 1/2 a t^2 accelerates by a: here 0.8 pixels a frame squared, along x.
    times = np.arange(FRAMES) - FRAMES / 2
    _, jitter = measure(moved(np.outer(0.4 * times**2, [1, 0])))
    assert jitter == pytest.approx(100 * 0.8 / WIDTH, rel=0.05)


def test_flicker_raises_the_warping_error_by_its_size_and_leaves_the_motion_alone() -> None:
    sign = (-1.0) ** np.arange(FRAMES)
    results = [measure(moved(STILL, size * sign)) for size in (0, 1, 2, 4)]
    # From -s to +s is a step of 2s.
    assert [error for error, _ in results] == pytest.approx([0, 2, 4, 8], abs=0.05)
    assert max(jitter for _, jitter in results) < 0.02


def test_trembling_raises_jitter_in_order() -> None:
    tremble = np.random.default_rng(1).normal(0, 1, (FRAMES, 2))
    results = [measure(moved(size * tremble)) for size in (0, 0.25, 0.5, 1, 2)]
    jitters = [jitter for _, jitter in results]
    assert jitters == sorted(jitters) and jitters[1] > 0.3
    expected = np.linalg.norm(np.diff(tremble, n=2, axis=0), axis=1).mean()
    assert jitters[3] == pytest.approx(100 * expected / WIDTH, rel=0.05)


def test_noise_in_every_frame_raises_the_warping_error_in_order() -> None:
    rng, steady = np.random.default_rng(2), np.outer(np.arange(FRAMES), [1, 0])
    noise = rng.normal(0, 1, (FRAMES, SIZE, SIZE, 3))
    errors = [
        measure(np.clip(moved(steady) + size * noise, 0, 255).astype(np.uint8))[0] for size in (0.0, 2.0, 4.0, 8.0)
    ]
    assert errors == sorted(errors) and errors[3] > 2 * errors[1] > 2 * errors[0]


def test_only_the_lower_face_counts() -> None:
    frames = moved(STILL)
    region = lower_face(clip().faces.landmarks[0], (SIZE, SIZE), (0, 0))
    frames[1::2, ~region & (np.indices((SIZE, SIZE))[0] < 40)] //= 2
    assert measure(frames) == pytest.approx((0.0, 0.0), abs=0.02)


def test_chunks_do_not_matter_and_there_is_a_value_for_every_frame() -> None:
    frames = moved(np.random.default_rng(3).normal(0, 1, (FRAMES, 2)))
    (score,) = check_scorer(SteadinessScorer(device="cpu"), (clip(), frames), too_few=Status.TOO_SHORT)
    assert list(score.per_frame) == ["TWE[dis]", "Jitter[dis]"]


def test_maths_on_given_flows() -> None:
    first = np.zeros((4, 6, 3), np.uint8)
    second = np.zeros((4, 6, 3), np.uint8)
    first[:, 2], second[:, 3] = 90, 90
    region = np.ones((4, 6), np.bool_)
    right = np.zeros((4, 6, 2), np.float32) + np.float32([1, 0])
    assert warping_error(first, second, right, region) == 0
    assert warping_error(first, second, 0 * right, region) == pytest.approx(90 * 2 / 6)
    assert acceleration(right, -right, region) == 0
    assert acceleration(right, right * 0.5, region) == 1.5


def test_the_box_holds_all_frames_and_stays_inside_the_crop() -> None:
    landmarks = np.concatenate([clip(1).faces.landmarks, clip(1, centre=100.0).faces.landmarks])
    assert lower_face_box(landmarks, SIZE) == (13, 48, 128, 128)


def test_what_cannot_be_measured_is_said() -> None:
    with pytest.raises(ClipError, match="3") as caught:
        measure(moved(STILL)[:2])
    assert caught.value.status is Status.TOO_SHORT
    with pytest.raises(ClipError, match="lower face"):
        SteadinessScorer().open(clip(centre=-200.0))
