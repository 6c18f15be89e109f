from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from check_scorer import check_scorer, score_clip
from scipy.linalg import sqrtm
from skimage import data

from bench_lipsync.harness.assets.lookup import asset_path, asset_present
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.metrics.distribution.fid import FidScorer, inception_features
from bench_lipsync.metrics.distribution.frechet import frechet_distance
from bench_lipsync.models.backbones.inception import load_inception

COLUMN = "FID[inception-2015-12-05]"


@pytest.fixture(scope="module")
def weights() -> Path:
    if os.environ.get("BENCH_OFFLINE") and not asset_present("inception_fid"):
        pytest.skip("NOT CHECKED: the weights of FID are not in the cache and BENCH_OFFLINE is set")
    return asset_path("inception_fid")


@pytest.fixture(scope="module")
def scorer(weights: Path) -> FidScorer:
    return FidScorer(device="cpu")


def photographs(count: int = 3) -> np.ndarray:
    image = data.astronaut()
    return np.stack([image[8 * i : 8 * i + 128, 150 + 8 * i : 278 + 8 * i] for i in range(count)])


def by_definition(a: np.ndarray, b: np.ndarray) -> float:
    """The formula as it is written down, by way of the matrix square root."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    s1, s2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    shift = a.mean(0) - b.mean(0)
    return float(shift @ shift + np.trace(s1) + np.trace(s2) - 2 * np.trace(np.real(sqrtm(s1 @ s2))))


@pytest.mark.parametrize(("n1", "n2", "d"), [(200, 150, 24), (40, 300, 64), (30, 25, 64), (600, 400, 96)])
def test_distance_equals_the_definition(n1: int, n2: int, d: int) -> None:
    rng = np.random.default_rng(n1)
    mixing = rng.normal(size=(d, d))
    a = (rng.normal(size=(n1, d)) @ mixing).astype(np.float32)
    b = (rng.normal(size=(n2, d)) * rng.uniform(0.5, 2, d) + 0.3).astype(np.float32)
    assert frechet_distance([a], [b]) == pytest.approx(by_definition(a, b), rel=1e-4)


def test_distance_equals_pytorch_fid() -> None:
    module = pytest.importorskip("pytorch_fid.fid_score")
    rng = np.random.default_rng(5)
    a, b = rng.gamma(0.5, size=(300, 48)), rng.gamma(0.7, size=(260, 48))
    statistics = [value for x in (a, b) for value in (x.mean(0), np.cov(x, rowvar=False))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It uses an argument of scipy that is going away.
        expected = module.calculate_frechet_distance(*statistics)
    assert frechet_distance([a.astype(np.float32)], [b.astype(np.float32)]) == pytest.approx(expected, rel=1e-4)


def test_distance_of_known_gaussians() -> None:
    # Covariances are exactly the identity times 1 and 4: |m|^2 + d (1 + 4 - 2 * 2).
    corners = np.array([[x, y] for x in (-1, 1) for y in (-1, 1)], np.float32) * np.float32(np.sqrt(3 / 4))
    assert frechet_distance([corners], [2 * corners + np.array([3, 4], np.float32)]) == pytest.approx(25 + 2, rel=1e-6)


def test_distance_is_zero_for_equal_sets_symmetric_and_blind_to_the_parts() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(90, 16)).astype(np.float32), rng.normal(size=(70, 16)).astype(np.float32)
    assert frechet_distance([a], [a]) == pytest.approx(0.0, abs=1e-9)
    whole = frechet_distance([a], [b])
    assert frechet_distance([b], [a]) == pytest.approx(whole, rel=1e-9)
    assert frechet_distance(np.array_split(a, 7), np.array_split(b, 3)) == pytest.approx(whole, rel=1e-9)


def test_features_equal_the_published_network(scorer: FidScorer, weights: Path) -> None:
    frames = photographs()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        reference = torch.jit.load(str(weights), map_location="cpu").eval()
        images = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
        resized = torch.nn.functional.interpolate(images, size=(299, 299), mode="bilinear", align_corners=False)
        expected = reference(2 * resized - 1).numpy()
    features = inception_features(scorer._network, frames)
    assert np.linalg.norm(features - expected) / np.linalg.norm(expected) < 5e-6


def test_features_equal_pytorch_fid(scorer: FidScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    inception = pytest.importorskip("pytorch_fid.inception")
    ours = list(load_inception().state_dict().values())

    def state(*_: object, **__: object) -> dict[str, torch.Tensor]:
        monkeypatch.undo()
        monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: {})
        monkeypatch.setattr(torch.nn.Module, "load_state_dict", lambda *_, **__: None)
        names = inception.fid_inception_v3().state_dict()
        monkeypatch.undo()
        heads = {key: value for key, value in names.items() if key.startswith("fc.")}
        return dict(zip([key for key in names if key not in heads], ours, strict=True)) | heads

    monkeypatch.setattr(inception, "load_state_dict_from_url", state)
    theirs = inception.InceptionV3([3]).eval()
    frames = photographs(3)
    with torch.inference_mode():
        expected = theirs(torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255)[0].flatten(1).numpy()
    np.testing.assert_allclose(inception_features(scorer._network, frames), expected, atol=1e-5)


def test_features_do_not_depend_on_the_batch(scorer: FidScorer) -> None:
    frames = photographs(3)
    whole = inception_features(scorer._network, frames)
    single = np.concatenate([inception_features(scorer._network, frame[None]) for frame in frames])
    np.testing.assert_allclose(whole, single, atol=1e-5)


def test_repeated_frames_are_computed_once_and_chunks_do_not_matter(
    scorer: FidScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = photographs(2)
    clip = np.stack([first, first, second, second, second, first, first])
    expected = inception_features(scorer._network, np.stack([first, second]))[[0, 0, 1, 1, 1, 0, 0]]
    (score,) = check_scorer(scorer, (None, clip), tolerance=1e-5, track=False)
    np.testing.assert_allclose(score.features[COLUMN], expected, atol=1e-5)
    counts: list[int] = []

    def count(network: torch.nn.Module, frames: np.ndarray, batches: object) -> np.ndarray:
        counts.append(len(frames))
        return np.zeros((len(frames), 2048), np.float32)

    monkeypatch.setattr("bench_lipsync.metrics.distribution.fid.inception_features", count)
    for cuts in (range(1, 7), (3, 6)):
        counts.clear()
        score_clip(scorer, None, clip, cuts=cuts)
        assert sum(counts) == 3


def test_pools_the_frames_of_all_clips(scorer: FidScorer) -> None:
    truth, output = np.random.default_rng(0).gamma(0.4, size=(2, 12, 2048)).astype(np.float32)
    pooled = scorer.pool([output[:2], output[2:]], [truth])
    assert pooled[COLUMN] == pytest.approx(frechet_distance([output], [truth]))
    assert pooled[COLUMN] > 100
    assert scorer.pool([truth], [truth])[COLUMN] == pytest.approx(0.0, abs=1e-8)
    with pytest.raises(ClipError, match="at least 2 frames") as caught:
        scorer.pool([output[:1]], [truth])
    assert caught.value.status is Status.METRIC_FAILED
