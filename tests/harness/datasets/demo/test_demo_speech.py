"""Speech and lips of the demo dataset: same bytes always, closures where the sound says so."""

from __future__ import annotations

import numpy as np
import pytest

from bench_lipsync.harness.api.clip import FPS, SAMPLE_RATE
from bench_lipsync.harness.datasets.demo.lip_targets import targets
from bench_lipsync.harness.datasets.demo.plan import plans
from bench_lipsync.harness.datasets.demo.speech import Phoneme, Utterance, Voice, synthesise
from bench_lipsync.harness.datasets.demo.visemes import Articulation, articulate, closure, is_bilabial
from bench_lipsync.harness.errors import BenchError

SENTENCE = "Papa bought a map above the harbour."
VOICE = Voice("English (America)+m3", rate=130)


@pytest.fixture(scope="module")
def spoken() -> Utterance:
    return synthesise(SENTENCE, VOICE)


def curves(utterance: Utterance) -> Articulation:
    return articulate(utterance.phonemes, len(utterance.samples) * FPS // SAMPLE_RATE)


def test_equal_bytes_whatever_was_spoken_before(spoken: Utterance) -> None:
    synthesise("Something else.", Voice("English (Scotland)+f2"))
    again = synthesise(SENTENCE, VOICE)
    assert np.array_equal(again.samples, spoken.samples)
    assert again.phonemes == spoken.phonemes


def test_phonemes_lie_in_the_sound(spoken: Utterance) -> None:
    """Vowels are loud, what is before the first and after the last phoneme is silent."""
    first, last = spoken.phonemes[0].start, spoken.phonemes[-1].end
    wave = spoken.samples.astype(float)
    assert not wave[: int((first - 0.02) * SAMPLE_RATE)].any()
    assert np.abs(wave[int((last + 0.02) * SAMPLE_RATE) :]).max() < 50
    for phoneme in spoken.phonemes:
        assert phoneme.end > phoneme.start
        if phoneme.name.startswith("'"):
            part = wave[int(phoneme.start * SAMPLE_RATE) : int(phoneme.end * SAMPLE_RATE)]
            assert np.sqrt(np.mean(part**2)) > 800, phoneme


def test_voiceless_closure_is_the_silence_before_the_burst(spoken: Utterance) -> None:
    """The timing rule of `closure` rests on this behaviour of eSpeak NG."""
    wave = spoken.samples.astype(float)
    inner = [p for p in spoken.phonemes[1:] if p.name == "p"]
    assert inner
    for phoneme in inner:
        at = int(phoneme.start * SAMPLE_RATE)
        before, burst = wave[at - 480 : at - 80], wave[at : at + 320]
        assert np.sqrt(np.mean(before**2)) < 0.2 * np.sqrt(np.mean(burst**2))


def test_every_bilabial_shows_closed_lips(spoken: Utterance) -> None:
    lips = curves(spoken)
    bilabials = [p for p in spoken.phonemes if is_bilabial(p.name)]
    assert len(bilabials) >= 6
    for phoneme in bilabials:
        start, end = closure(phoneme)
        frames = np.arange(int(np.ceil(start * FPS)), int(end * FPS) + 1)
        assert len(frames) >= 1, "a closure must never fall between two frames"
        assert lips.opening[frames].max() < 0.02
        assert lips.press[frames].min() > 0.98


def test_opening_rises_for_open_vowels(spoken: Utterance) -> None:
    lips = curves(spoken)
    seen = 0
    for phoneme in spoken.phonemes:
        if (
            phoneme.name.startswith("'")
            and targets(phoneme.name)[0].opening > 0.6
            and phoneme.end - phoneme.start > 0.09
        ):
            window = lips.opening[int(phoneme.start * FPS) : int(np.ceil(phoneme.end * FPS)) + 1]
            assert window.max() > 0.5, phoneme
            seen += 1
    assert seen >= 2


def test_silence_is_closed_and_lips_start_early() -> None:
    lips = articulate((Phoneme("'A:", 0.4, 0.6),), 30)
    assert lips.opening[:7].max() < 0.01
    assert lips.opening[9] > 0.1, "lips move before the sound"
    assert int(np.argmax(lips.opening)) == round(0.48 * FPS)
    assert lips.opening[-5:].max() < 0.01


def test_rounding_spreading_and_lip_teeth_contact() -> None:
    assert articulate((Phoneme("'u:", 0.4, 0.7),), 25).width.min() < -0.8
    assert articulate((Phoneme("'i:", 0.4, 0.7),), 25).width.max() > 0.6
    assert articulate((Phoneme("f", 0.4, 0.6),), 25).tuck.max() > 0.95


def test_unknown_sounds_and_voices_are_named() -> None:
    with pytest.raises(BenchError, match="'!!'"):
        targets("!!")
    with pytest.raises(BenchError, match="Nowhere"):
        synthesise("Hello.", Voice("English (Nowhere)"))


def test_test_clips_last_about_three_seconds_and_have_lip_shapes() -> None:
    for plan in plans("test"):
        utterance = synthesise(plan.sentence, plan.voice)
        frames = len(utterance.samples) / SAMPLE_RATE * FPS
        assert 74 < frames < 92, plan
        articulate(utterance.phonemes, int(frames))
        assert sum(is_bilabial(p.name) for p in utterance.phonemes) >= 3
