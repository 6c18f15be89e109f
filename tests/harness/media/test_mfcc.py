"""MFCC in pieces: equal to the library's in one go, whatever the length, and bit for bit up to ten seconds."""

from __future__ import annotations

import numpy as np
import pytest
import python_speech_features
from hypothesis import given
from hypothesis import strategies as st

import bench_lipsync.harness.media.mfcc
from bench_lipsync.harness.media.mfcc import mfcc


def sound(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-30_000, 30_000, samples, dtype=np.int16)


@given(st.integers(1, 9_000))
def test_short_sounds_are_the_same_bit_for_bit(samples: int) -> None:
    assert np.array_equal(mfcc(sound(samples)), python_speech_features.mfcc(sound(samples), 16_000))


@given(st.integers(1, 9_000), st.integers(1, 12))
def test_pieces_of_any_size_are_the_same(samples: int, at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench_lipsync.harness.media.mfcc, "_AT_ONCE", at_once)
        pieces = mfcc(sound(samples))
    np.testing.assert_allclose(pieces, python_speech_features.mfcc(sound(samples), 16_000), rtol=1e-9, atol=1e-9)


def test_no_more_than_a_piece_is_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths, real = [], python_speech_features.mfcc
    monkeypatch.setattr(
        python_speech_features, "mfcc", lambda given, *a, **k: lengths.append(len(given)) or real(given, *a, **k)
    )
    assert mfcc(sound(30 * 16_000)).shape == (2_999, 13)
    assert len(lengths) == 3 and max(lengths) <= 10 * 16_000 + 400


def test_silence_and_a_single_tone_are_numbers() -> None:
    tone = (8_000 * np.sin(np.arange(16_000) / 5)).astype(np.int16)
    assert np.isfinite(mfcc(np.zeros(16_000, np.int16))).all() and np.isfinite(mfcc(tone)).all()
