"""The audio-driven bound on a made clip: frames of its own, no mouth in its own place, the same every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_clip import make_clip

from bench_lipsync.baselines.nearest_sound.model import NearestSound
from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, LipSyncModel

FRAMES = 40


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> PreparedClip:
    folder: Path = tmp_path_factory.mktemp("clip")
    return make_clip(folder, FRAMES)


def _draw(clip: PreparedClip, audio: np.ndarray, batch: int = 8) -> np.ndarray:
    return np.concatenate(list(NearestSound().generate(clip, audio, GenerateContext(batch_size=batch))))


def test_frames_are_whole_and_the_same_whatever_the_batch(clip: PreparedClip) -> None:
    assert isinstance(NearestSound(), LipSyncModel)
    one, other = _draw(clip, clip.audio()), _draw(clip, clip.audio(), batch=7)
    assert one.shape == (FRAMES, clip.size, clip.size, 3) and one.dtype == np.uint8
    assert (one == other).all()


def test_its_own_mouths_are_never_in_their_own_place(clip: PreparedClip) -> None:
    """The made clip's mouth has the brightness of its frame's number."""
    drawn, x, y = _draw(clip, clip.audio()), *clip.faces.landmarks[0, 14, :2].astype(int)
    number = (drawn[:, y, x, 0].astype(float) - 40) / 5
    assert (abs(number - np.arange(FRAMES)) >= FRAMES // 4 - 0.5).all()


def test_audio_of_another_moment_gets_the_mouths_of_that_moment(clip: PreparedClip) -> None:
    later = np.roll(clip.audio(), -12 * SAMPLES_PER_FRAME)
    drawn, x, y = _draw(clip, later), *clip.faces.landmarks[0, 14, :2].astype(int)
    number = (drawn[:, y, x, 0].astype(float) - 40) / 5
    assert np.median(number[2:-14] - np.arange(2, FRAMES - 14)) == pytest.approx(12, abs=0.6)
