from __future__ import annotations

import numpy as np
import pytest
from check_scorer import check_scorer
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from skimage import data
from skimage.metrics import structural_similarity

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.metrics.image.ssim import SsimScorer, ssim


def reference(output: np.ndarray, truth: np.ndarray) -> list[float]:
    settings_of_wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    return [structural_similarity(b, a, channel_axis=2, **settings_of_wang) for a, b in zip(output, truth, strict=True)]


def photographs() -> tuple[np.ndarray, np.ndarray]:
    """Pairs from nearly equal to opposite, with saturated and flat ones, where rounding would show."""
    face = np.ascontiguousarray(data.astronaut()[:96, 170:266])
    rng = np.random.default_rng(0)
    noisy = [np.clip(face + rng.normal(0, sigma, face.shape), 0, 255).astype(np.uint8) for sigma in (0.5, 5, 50)]
    flat = [np.full_like(face, value) for value in (0, 255)]
    one_off = face.copy()
    one_off[48, 48] ^= 1
    outputs = [*noisy, *flat, 255 - face, np.roll(face, 2, axis=1), one_off, face]
    return np.stack(outputs), np.stack([face] * len(outputs))


def test_equals_skimage_with_the_settings_of_wang() -> None:
    output, truth = photographs()
    np.testing.assert_allclose(ssim(output, truth), reference(output, truth), atol=1e-9)


def test_equals_skimage_where_variance_is_lost_first() -> None:
    # Bright, almost flat frames: the variance is a small difference of large numbers.
    rng = np.random.default_rng(1)
    a, b = rng.integers(252, 256, (2, 4, 40, 56, 3), dtype=np.uint8)
    np.testing.assert_allclose(ssim(a, b), reference(a, b), atol=1e-9)


def test_known_answers() -> None:
    truth = photographs()[1]
    assert ssim(truth, truth.copy()).tolist() == [1.0] * len(truth)
    # Two flat frames: only the luminance term is left, (2ab + C1) / (a^2 + b^2 + C1).
    a, b = np.full((1, 16, 16, 3), 100, np.uint8), np.full((1, 16, 16, 3), 200, np.uint8)
    assert ssim(a, b)[0] == pytest.approx((2 * 100 * 200 + 6.5025) / (100**2 + 200**2 + 6.5025), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(arrays(np.uint8, (1, 12, 13, 3)), arrays(np.uint8, (1, 12, 13, 3)))
def test_is_symmetric_bounded_and_equal_to_skimage(a: np.ndarray, b: np.ndarray) -> None:
    value = ssim(a, b)[0]
    assert value == pytest.approx(ssim(b, a)[0], abs=1e-9)
    assert -1 - 1e-9 <= value <= 1 + 1e-9
    assert value == pytest.approx(reference(a, b)[0], abs=1e-9)


def test_scorer_gives_the_mean_of_the_frames() -> None:
    output, truth = photographs()
    (score,) = check_scorer(SsimScorer(device="cpu"), (None, output, truth), track=False)
    assert score.values == {"SSIM[wang2004]": pytest.approx(ssim(output, truth).mean())}


def test_failures_are_named() -> None:
    with pytest.raises(ClipError) as caught:
        ssim(np.zeros((1, 16, 16, 3), np.uint8), np.zeros((1, 16, 18, 3), np.uint8))
    assert caught.value.status is Status.BAD_OUTPUT
    with pytest.raises(ValueError, match="11x11"):
        ssim(np.zeros((1, 10, 16, 3), np.uint8), np.zeros((1, 10, 16, 3), np.uint8))
