from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from check_scorer import check_scorer, score_clip
from skimage import data

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.landmark_indices import LIPS
from bench_lipsync.metrics.image.cpbd import cpbd, edge_widths, find_edges
from bench_lipsync.metrics.image.sharpness import CROP, MOUTH, SharpnessScorer

SIZE = 128


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma) if sigma else image)


@pytest.mark.parametrize(
    ("name", "sigma", "expected"),
    [
        ("camera", 0.0, 0.7481657466284677),
        ("camera", 0.8, 0.4861458533769482),
        ("camera", 1.5, 0.10806754221388368),
        ("coins", 0.0, 0.7961264016309888),
        ("coins", 1.5, 0.058673469387755105),
        ("noise", 0.8, 0.7389506332385629),
    ],
)
def test_equals_the_package(name: str, sigma: float, expected: float) -> None:
    """Values of cpbd 1.0.7 on the same arrays; the package itself no longer imports with today's SciPy."""
    noise = np.random.default_rng(0).integers(0, 256, (130, 200)).astype(np.uint8)
    image = {"camera": data.camera, "coins": lambda: data.coins()[:200, :300], "noise": lambda: noise}[name]()
    assert cpbd(find_edges(blurred(image, sigma))) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("width", [2, 4, 6, 10])
def test_widths_of_ramps(width: int) -> None:
    # A rise over `width` steps, steepest in the middle, and the same mirrored, on flat ground.
    steps = np.hanning(width + 2)[1:-1]
    row = np.cumsum(np.concatenate([np.zeros(20), 200 * steps / steps.sum(), np.zeros(20)]))
    for line in (row, row[::-1], 255 - row):
        found = edge_widths(np.tile(line, (12, 1)))
        assert set(found[found > 0]) == {width}


def test_an_edge_that_lies_flat_has_no_width() -> None:
    assert not edge_widths(np.tile(np.repeat([0.0, 200.0], 20)[:, None], (1, 40))).any()


def test_no_edges_is_no_value() -> None:
    assert cpbd(find_edges(np.full((64, 64), 90, np.uint8))) is None
    edges = find_edges(data.camera())
    assert cpbd(edges, np.zeros(edges.measured.shape, bool)) is None
    assert cpbd(edges, np.ones(edges.measured.shape, bool)) == cpbd(edges)


def clip(frames: int, size: int = SIZE) -> Any:
    angles = np.linspace(0, 2 * np.pi, len(LIPS), endpoint=False)
    landmarks = np.zeros((frames, 478, 3), np.float32)
    landmarks[:, LIPS, 0], landmarks[:, LIPS, 1] = 64 + 20 * np.cos(angles), 80 + 8 * np.sin(angles)
    return SimpleNamespace(faces=SimpleNamespace(landmarks=landmarks), size=size)


TRUTH = np.stack([data.astronaut()[8 * i : 8 * i + SIZE, 150 + 8 * i : 150 + 8 * i + SIZE] for i in range(4)])


def measure(frames: np.ndarray) -> dict[str, float]:
    return dict(score_clip(SharpnessScorer(), clip(len(frames)), frames).values)


def test_blur_lowers_both_in_order() -> None:
    found = [measure(np.stack([blurred(frame, sigma) for frame in TRUTH])) for sigma in (0.0, 0.6, 1.0, 2.0)]
    for column in (CROP.column, MOUTH.column):
        values = [one[column] for one in found]
        assert values == sorted(values, reverse=True) and values[0] > values[-1] + 0.2


def test_a_blurred_mouth_shows_in_the_mouth() -> None:
    output = TRUTH.copy()
    output[:, 48:112, 32:96] = [blurred(frame, 1.2)[48:112, 32:96] for frame in TRUTH]
    before, after = measure(TRUTH), measure(output)
    assert after[MOUTH.column] < 0.6 * before[MOUTH.column]
    assert before[CROP.column] > after[CROP.column] > 0.5 * before[CROP.column]


def test_curves_and_repeated_frames() -> None:
    still = np.repeat(TRUTH[:1], 3, axis=0)
    _, score = check_scorer(SharpnessScorer(device="cpu"), (clip(4), TRUTH), (clip(3), still))
    for column, value in score.values.items():
        np.testing.assert_allclose(score.per_frame[column], np.full(3, value), rtol=1e-6)


def test_what_cannot_be_measured_is_said() -> None:
    grey = np.full((2, SIZE, SIZE, 3), 128, np.uint8)
    with pytest.raises(ClipError, match="no edge") as caught:
        measure(grey)
    assert caught.value.status is Status.METRIC_FAILED
    with pytest.raises(ClipError, match="64 pixels"):
        SharpnessScorer().open(clip(2, size=48))
