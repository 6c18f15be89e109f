from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from check_scorer import check_scorer, score_clip
from skimage import data

from bench_lipsync.harness.assets.lookup import asset_present
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.landmark_indices import LIPS
from bench_lipsync.metrics.image.lpips import load_lpips, lpips_distance
from bench_lipsync.metrics.image.mouth import SIDE, MouthLpipsScorer, MouthScorer, mouth_squares
from bench_lipsync.metrics.image.psnr import psnr
from bench_lipsync.metrics.image.ssim import ssim

SIZE, WIDTH = 128, 30.0
TRUTH = np.stack([data.astronaut()[8 * i : 8 * i + SIZE, 150 + 8 * i : 150 + 8 * i + SIZE] for i in range(4)])
CENTRES = np.array([[64, 90], [66, 90], [60, 92], [120, 90]], np.float32)  # the last one is near the edge


def clip(centres: np.ndarray = CENTRES, width: float = WIDTH) -> Any:
    """A clip whose lips lie on an ellipse of `width` pixels around the centres."""
    angles = np.linspace(0, 2 * np.pi, len(LIPS), endpoint=False)
    landmarks = np.zeros((len(centres), 478, 3), np.float32)
    landmarks[:, LIPS, 0] = centres[:, :1] + width / 2 * np.cos(angles)
    landmarks[:, LIPS, 1] = centres[:, 1:] + width / 5 * np.sin(angles)
    return SimpleNamespace(faces=SimpleNamespace(landmarks=landmarks), size=SIZE)


def measure(scorer: Any, output: np.ndarray) -> dict[str, float]:
    return dict(score_clip(scorer, clip(), output, TRUTH).values)


def blurred(sigma: float) -> np.ndarray:
    import cv2

    return np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in TRUTH])


def test_the_square_follows_the_lips_and_stays_in_the_crop() -> None:
    squares = mouth_squares(clip().faces.landmarks, SIZE)
    side = round(SIDE * WIDTH)
    assert (squares[:, 2] == side).all()
    np.testing.assert_array_equal(squares[:3, :2], (CENTRES[:3] - side / 2).astype(int))
    assert tuple(squares[3]) == (SIZE - side, 90 - side // 2, side)


def test_values_are_those_of_the_cut_out_pixels() -> None:
    output = blurred(1.0)
    values = measure(MouthScorer(), output)
    cuts = [
        np.stack(
            [
                f[y : y + s, x : x + s]
                for f, (x, y, s) in zip(v, mouth_squares(clip().faces.landmarks, SIZE), strict=True)
            ]
        )
        for v in (output, TRUTH)
    ]
    assert values["SSIM-mouth[wang2004]"] == pytest.approx(ssim(*cuts).mean(), rel=1e-12)
    assert values["PSNR-mouth[rgb255]"] == pytest.approx(psnr(*cuts).mean(), rel=1e-12)


def test_equal_mouths_are_perfect_whatever_the_rest_is() -> None:
    output = TRUTH.copy()
    output[:, :50] = 0
    values = measure(MouthScorer(), output)
    assert values == {"SSIM-mouth[wang2004]": 1.0, "PSNR-mouth[rgb255]": 100.0}


def test_blur_and_noise_lower_both_in_order() -> None:
    noise = np.random.default_rng(0).normal(0, 1, TRUTH.shape)
    for outputs in (
        [blurred(sigma) for sigma in (0.5, 1.0, 2.0, 4.0)],
        [np.clip(TRUTH + sigma * noise, 0, 255).astype(np.uint8) for sigma in (2.0, 4.0, 8.0, 16.0)],
    ):
        found = [measure(MouthScorer(), output) for output in outputs]
        for column in found[0]:
            values = [one[column] for one in found]
            assert values == sorted(values, reverse=True) and len(set(values)) == len(values)


def test_lpips_is_that_of_the_cut_out_pixels_and_grows_with_blur() -> None:
    if os.environ.get("BENCH_OFFLINE") and not asset_present("alexnet_lpips"):
        pytest.skip("NOT CHECKED: the weights of LPIPS are not in the cache and BENCH_OFFLINE is set")
    scorer, column = MouthLpipsScorer(), "LPIPS-mouth[alex]"
    values = [measure(scorer, blurred(sigma))[column] for sigma in (0.5, 1.0, 2.0)]
    assert values == sorted(values) and values[0] > 0
    assert measure(scorer, TRUTH.copy())[column] == 0
    x, y, s = mouth_squares(clip().faces.landmarks, SIZE)[0]
    score = score_clip(scorer, clip(CENTRES[:1]), blurred(1.0)[:1], TRUTH[:1])
    expected = lpips_distance(
        load_lpips("alex"), blurred(1.0)[:1, y : y + s, x : x + s].copy(), TRUTH[:1, y : y + s, x : x + s].copy()
    )
    assert score.values[column] == pytest.approx(expected[0], rel=1e-5)


def test_a_mouth_that_is_too_small_or_too_large_is_said() -> None:
    for width, words in ((15.0, "24 pixels wide"), (100.0, "160 pixels wide")):
        with pytest.raises(ClipError, match=words) as caught:
            MouthScorer().open(clip(width=width))
        assert caught.value.status is Status.METRIC_FAILED


def test_both_are_scorers() -> None:
    check_scorer(MouthScorer(device="cpu"), (clip(), blurred(1.0), TRUTH), (clip(), TRUTH.copy(), TRUTH))


def test_the_region_is_in_the_signature() -> None:
    infos = (*MouthScorer.describe(), *MouthLpipsScorer.describe())
    assert [info.name for info in infos] == ["SSIM-mouth", "PSNR-mouth", "LPIPS-mouth"]
    assert all("region=mouth-gt-square1.6" in info.signature for info in infos)
