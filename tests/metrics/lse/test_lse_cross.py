"""Which sound lips are judged against: a model's under `cross` by the donor's, real lips by their own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME
from bench_lipsync.harness.run.audio_donors import row_audio

FRAMES = 8


def clip(name: str, frames: int, level: int) -> SimpleNamespace:
    return SimpleNamespace(id=name, frames=frames, audio=lambda: np.full(frames * SAMPLES_PER_FRAME, level, np.int16))


@pytest.mark.parametrize(
    ("model", "scores_audio", "cross", "given", "judged"),
    [
        ("stylelipsync", "given", False, 1, 1),
        ("stylelipsync", "given", True, 2, 2),
        ("ground-truth", "given", True, 1, 1),
        ("shuffled-audio", "shuffled", False, 1, 2),
        ("shuffled-audio", "shuffled", True, 2, 2),
    ],
)
def test_sound_given_and_judged(model: str, scores_audio: str, cross: bool, given: int, judged: int) -> None:
    own, donor = clip("a", FRAMES, 1), clip("b", 3, 2)
    card = SimpleNamespace(name=model, scores_audio=scores_audio)
    audios = row_audio(cast(Any, card), cast(Any, own), donor.audio(), cross=cross)
    for sound, level in ((audios.driving, given), (audios.reference, judged)):
        np.testing.assert_array_equal(sound, np.full(FRAMES * SAMPLES_PER_FRAME, level))
