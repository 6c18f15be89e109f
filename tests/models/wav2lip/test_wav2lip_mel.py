"""Wav2Lip's mel spectrogram: librosa's numbers, and where each frame's window begins."""

from __future__ import annotations

import numpy as np
import pytest

from bench_lipsync.models.wav2lip.mel import mel_filters, mel_spectrogram, mel_windows


def rising_tone() -> np.ndarray:
    t = np.arange(16_000) / 16_000
    noise = np.random.default_rng(0).normal(0, 500, 16_000)
    return (8000 * np.sin(2 * np.pi * (200 + 300 * t) * t) + noise).astype(np.int16)


def test_filters_are_librosas() -> None:
    # Row sums and the largest value of librosa 0.11's filters.mel(sr=16000, n_fft=800, n_mels=80, fmin=55, fmax=7600).
    filters = mel_filters()
    assert filters.shape == (80, 401)
    assert filters.sum(axis=1)[[0, 10, 20, 40, 79]] == pytest.approx(
        [0.049364, 0.049364, 0.049364, 0.049924, 0.04998], abs=1e-6
    )
    assert filters.max() == pytest.approx(0.026878776, rel=1e-6)


def test_values_are_librosas() -> None:
    # From librosa 0.11's stft (reflect) and the published arithmetic around it; ours differed by 1.5e-7 at most.
    mel = mel_spectrogram(rising_tone())
    assert mel.shape == (80, 81)
    known = {(0, 0): -0.65233, (3, 10): -1.97134, (10, 40): 0.1609, (40, 79): -0.70041, (79, 80): -0.36873}
    for place, value in {**known, (20, 1): -1.9987}.items():
        assert mel[place] == pytest.approx(value, abs=1e-4)


def test_silence_is_the_floor() -> None:
    assert (mel_spectrogram(np.zeros(6400, np.int16)) == -4).all()


def test_windows_begin_at_the_frame_and_the_last_one_is_repeated() -> None:
    mel = np.arange(33, dtype=np.float32)[None].repeat(80, axis=0)
    starts = mel_windows(mel, 10)[:, 0, 0, 0]
    assert starts.tolist() == [0, 3, 6, 9, 12, 16, 17, 17, 17, 17]


def test_less_than_one_window_is_refused() -> None:
    with pytest.raises(ValueError, match="15 mel columns"):
        mel_windows(np.zeros((80, 15), np.float32), 2)
