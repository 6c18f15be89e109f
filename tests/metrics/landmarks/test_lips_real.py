"""On real footage: late lips, held lips, blur and noise move each metric its way, and by more the stronger they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from check_scorer import score_clip

from bench_lipsync.harness.api.clip import Clip, PreparedClip
from bench_lipsync.harness.stages.prepare_clip import prepare_clip
from bench_lipsync.metrics.image.mouth import MouthScorer
from bench_lipsync.metrics.image.sharpness import SharpnessScorer
from bench_lipsync.metrics.landmarks.lip_leak import leakage, silent_frames
from bench_lipsync.metrics.landmarks.lip_opening import lip_opening
from bench_lipsync.metrics.landmarks.scorer import LandmarkScorer

pytestmark = [pytest.mark.slow, pytest.mark.shared]
CLIPS = ("grid/bbaf2n.mpg", "hdtf/WDA_AlexandriaOcasioCortez_000.mp4")
SHAPES = ("LMD[mediapipe]", "LMD-mouth[mediapipe]", "LMD-mouth[mediapipe-centred]", "LipOpen-error[mediapipe]")


@pytest.fixture(scope="module", params=CLIPS)
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shared: Path) -> PreparedClip:
    return prepare_clip(
        Clip("clip", "someone", shared / "media" / request.param, end=2.0), tmp_path_factory.mktemp("clip")
    )


def measure(scorer: Any, clip: PreparedClip, change: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
    truth = np.concatenate(list(clip.read_frames()))
    return dict(score_clip(scorer, clip, change(truth), truth, clip.audio()).values)


def held(frames: int) -> Callable[[np.ndarray], np.ndarray]:
    """Every picture stays for so many frames."""
    return lambda truth: truth[np.arange(len(truth)) // frames * frames]


def late(frames: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda truth: truth[np.maximum(np.arange(len(truth)) - frames, 0)]


def blurred(sigma: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda truth: np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in truth])


def noisy(sigma: float) -> Callable[[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    return lambda truth: np.clip(truth + rng.normal(0, sigma, truth.shape), 0, 255).astype(np.uint8)


def test_lips_that_are_held_or_late(clip: PreparedClip) -> None:
    scorer = LandmarkScorer()
    for changes in ((held(1), held(2), held(5), held(50)), (late(0), late(1), late(3))):
        found = [measure(scorer, clip, change) for change in changes]
        for column in SHAPES:
            values = [one[column] for one in found]
            assert values == sorted(values) and values[0] == 0 < values[1], column
        correlations = [one["LipOpen-corr[mediapipe]"] for one in found if "LipOpen-corr[mediapipe]" in one]
        assert correlations == sorted(correlations, reverse=True) and correlations[0] == pytest.approx(1)
    assert "LipOpen-corr[mediapipe]" not in measure(scorer, clip, held(50)), "a still has no correlation"


def test_blur_and_noise(clip: PreparedClip) -> None:
    for change in (blurred, noisy):
        found = [measure(MouthScorer(), clip, change(strength)) for strength in (0.7, 1.5, 3.0)]
        for column in ("SSIM-mouth[wang2004]", "PSNR-mouth[rgb255]"):
            values = [one[column] for one in found]
            assert values == sorted(values, reverse=True) and len(set(values)) == 3
    sharp = [measure(SharpnessScorer(), clip, change) for change in (held(1), blurred(0.7), blurred(1.5))]
    for column in ("CPBD[narvekar2011]", "CPBD-mouth[narvekar2011]"):
        values = [one[column] for one in sharp]
        assert values == sorted(values, reverse=True) and values[0] > values[1], column


def test_lips_that_move_in_silence(shared: Path, tmp_path: Path) -> None:
    clip = prepare_clip(Clip("clip", "someone", shared / "media" / CLIPS[1]), tmp_path)
    opening, silent = lip_opening(clip.faces.landmarks[..., :2]), silent_frames(clip.audio())
    real = leakage(opening, opening, silent, silent)
    foreign = leakage(np.roll(opening, len(opening) // 2), opening, silent, silent)
    still = leakage(np.zeros_like(opening), opening, silent, silent)
    assert real is not None and foreign is not None
    assert still == 0 < real < 0.4
    assert foreign > 0.7
