from __future__ import annotations

import numpy as np
import pytest
from check_scorer import check_scorer
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.metrics.image.psnr import CAP, PsnrScorer, psnr

FRAMES = arrays(np.uint8, (2, 5, 4, 3))


def grey(value: int) -> np.ndarray:
    return np.full((1, 8, 8, 3), value, np.uint8)


@pytest.mark.parametrize(
    ("output", "truth", "expected"),
    [(100, 101, 48.130804), (0, 255, 0.0), (255, 0, 0.0), (20, 10, 28.130804), (7, 7, CAP)],
)
def test_known_answers(output: int, truth: int, expected: float) -> None:
    # 20 log10(255 / error); 0 against 255 would be no error at all if bytes wrapped around.
    assert psnr(grey(output), grey(truth)) == pytest.approx([expected], abs=1e-6)


def test_equals_skimage_on_a_photograph() -> None:
    truth = np.stack([data.astronaut()[i : i + 64, 200:264] for i in (0, 100, 200)])
    noise = np.random.default_rng(0).normal(0, 12, truth.shape)
    output = np.clip(truth + noise, 0, 255).astype(np.uint8)
    expected = [peak_signal_noise_ratio(a, b, data_range=255) for a, b in zip(truth, output, strict=True)]
    np.testing.assert_allclose(psnr(output, truth), expected, atol=1e-10)


@settings(max_examples=50, deadline=None)
@given(FRAMES, FRAMES, st.permutations(range(3)))
def test_is_symmetric_bounded_and_blind_to_the_order_of_channels(
    a: np.ndarray, b: np.ndarray, order: list[int]
) -> None:
    values = psnr(a, b)
    assert np.array_equal(values, psnr(b, a))
    assert np.all((values >= -1e-9) & (values <= CAP))
    assert np.array_equal(values, psnr(a[..., order], b[..., order]))


def test_scorer_gives_the_mean_of_the_frames() -> None:
    output, truth = np.concatenate([grey(v) for v in (10, 20, 30)]), np.concatenate([grey(11)] * 3)
    (score,) = check_scorer(PsnrScorer(device="cpu"), (None, output, truth), track=False)
    assert score.values == {"PSNR[rgb255]": psnr(output, truth).mean()}
    np.testing.assert_allclose(score.per_frame["PSNR[rgb255]"], psnr(output, truth), rtol=1e-6)


@pytest.mark.parametrize(
    ("output", "truth"),
    [
        (np.zeros((1, 4, 4, 3), np.uint8), np.zeros((1, 4, 5, 3), np.uint8)),
        (np.zeros((2, 4, 4, 3), np.uint8), np.zeros((1, 4, 4, 3), np.uint8)),
        (np.zeros((1, 4, 4, 3), np.float32), np.zeros((1, 4, 4, 3), np.float32)),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)),
    ],
)
def test_frames_that_do_not_fit_are_bad_output_not_resized(output: np.ndarray, truth: np.ndarray) -> None:
    with pytest.raises(ClipError) as caught:
        psnr(output, truth)
    assert caught.value.status is Status.BAD_OUTPUT
