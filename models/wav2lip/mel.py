"""Wav2Lip's audio front end: 80 mel bands at 80 columns a second, in decibels brought to -4..4.

Source: `audio.py` and `hparams.py` of Rudrabha/Wav2Lip at 5c90fa9, whose librosa 0.7 pads the ends by reflection.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.models.wav2lip.network import MEL_COLUMNS, N_MELS

SAMPLE_RATE = 16_000
N_FFT, HOP = 800, 200
COLUMNS_PER_FRAME = SAMPLE_RATE / HOP / 25
"""3.2 columns pass in one video frame."""
_F_MIN, _F_MAX = 55.0, 7600.0
_PREEMPHASIS = 0.97
_FLOOR = 1e-5
_REFERENCE_DB, _SPAN_DB = 20.0, 100.0
_LINEAR_END, _LINEAR_STEP, _LOG_STEP = 1000.0, 200.0 / 3, np.log(6.4) / 27
"""Slaney's mel scale: linear to 1 kHz, logarithmic above."""


def mel_filters() -> NDArray[np.float64]:
    """Triangles (80, 401) of equal area over the FFT's bins, 55 to 7600 Hz on Slaney's scale."""
    bins = np.linspace(0, SAMPLE_RATE / 2, N_FFT // 2 + 1)
    edges = _hertz(np.linspace(_mel(_F_MIN), _mel(_F_MAX), N_MELS + 2))
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.minimum((bins - lower) / (centre - lower), (upper - bins) / (upper - centre))
    filters: NDArray[np.float64] = np.maximum(triangles, 0.0) * 2.0 / (upper - lower)
    return filters


def _mel(hertz: float) -> float:
    above = np.log(max(hertz, _LINEAR_END) / _LINEAR_END) / _LOG_STEP
    return float(min(hertz, _LINEAR_END) / _LINEAR_STEP + above)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    corner = _LINEAR_END / _LINEAR_STEP
    hertz: NDArray[np.float64] = np.where(
        mel < corner, mel * _LINEAR_STEP, _LINEAR_END * np.exp(_LOG_STEP * (mel - corner))
    )
    return hertz


def mel_spectrogram(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """(80, N // 200 + 1) in [-4, 4] of int16 samples (N,) at 16 kHz, N > 400."""
    from scipy.signal import get_window, lfilter

    sharpened = lfilter([1.0, -_PREEMPHASIS], [1.0], samples.astype(np.float64) / 32768.0)
    padded = np.pad(sharpened, N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]
    magnitude = np.abs(np.fft.rfft(frames * get_window("hann", N_FFT), axis=1)).T
    decibels = 20.0 * np.log10(np.maximum(_FLOOR, mel_filters() @ magnitude)) - _REFERENCE_DB
    return np.clip(8.0 * (decibels + _SPAN_DB) / _SPAN_DB - 4.0, -4.0, 4.0).astype(np.float32)


def mel_windows(mel: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """(frames, 1, 80, 16): window i begins at column int(3.2 i), or is the last 16 columns where none is left.

    The published program stops after its first such window, three or four frames early; here it is repeated, so that
    there is one for every frame. Raises `ValueError` for fewer than 16 columns.
    """
    last = mel.shape[1] - MEL_COLUMNS
    if last < 0:
        raise ValueError(f"{mel.shape[1]} mel columns; one window takes {MEL_COLUMNS}")
    starts = np.minimum((np.arange(frames) * COLUMNS_PER_FRAME).astype(int), last)
    return np.stack([mel[None, :, start : start + MEL_COLUMNS] for start in starts])
