"""What rooms, microphones, other voices and codecs do to speech, done at random to a stretch of samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

_FLOOR = -5.0


def augment_samples(
    samples: NDArray[np.int16], other: NDArray[np.int16], draw: Generator, *, gently: bool = False
) -> NDArray[np.float32]:
    """(N,) int16 to (N,) float32 in -1..1: another voice (`other`, (N,)), noise, a room and a level.

    `gently` only changes the level.
    """
    audio = samples.astype(np.float32) / 32768.0
    if gently:
        return np.asarray(audio * 10 ** (draw.uniform(-6, 3) / 20), np.float32)
    if draw.random() < 0.3:
        audio = _room(audio, draw)
    if draw.random() < 0.25:
        audio = _mix(audio, other.astype(np.float32) / 32768.0, draw.uniform(3, 20))
    if draw.random() < 0.5:
        audio = _mix(audio, _noise(len(audio), draw.uniform(0, 2), draw), draw.uniform(3, 40))
    level = np.float32(10 ** (draw.uniform(-18, 8) / 20))
    return np.asarray(np.clip(audio * level, -1, 1), np.float32)


def augment_mel(mel: NDArray[np.float32], draw: Generator) -> NDArray[np.float32]:
    """(M, 80) log10 mel power of the same shape: another vocal tract, another microphone, a narrower band."""
    out: NDArray[np.floating[Any]] = mel
    bands = np.arange(mel.shape[1], dtype=np.float32)
    if draw.random() < 0.6:
        # Formants move with the length of the vocal tract, much like the mel axis stretched.
        source = np.clip(bands * draw.uniform(0.86, 1.14), 0, bands[-1])
        low = source.astype(int)
        high = np.minimum(low + 1, len(bands) - 1)
        out = out[:, low] * (1 - (source - low)) + out[:, high] * (source - low)
    if draw.random() < 0.6:
        knots = draw.uniform(-0.8, 0.8, 6)
        out = out + np.interp(bands, np.linspace(0, bands[-1], 6), knots)
    if draw.random() < 0.2:
        out = out - 3.0 * (bands > draw.integers(45, 78))
    if draw.random() < 0.2:
        first = int(draw.integers(0, 70))
        out = np.where((bands >= first) & (bands < first + draw.integers(2, 12)), _FLOOR, out)
    return np.asarray(np.maximum(out, _FLOOR), np.float32)


def _mix(audio: NDArray[np.float32], noise: NDArray[np.float32], ratio: float) -> NDArray[np.float32]:
    """Add `noise` at `ratio` decibels below the audio."""
    power = np.sqrt(np.mean(audio**2) / (np.mean(noise**2) + 1e-12)) * 10 ** (-ratio / 20)
    return np.asarray(audio + np.float32(power) * noise, np.float32)


def _noise(count: int, slope: float, draw: Generator) -> NDArray[np.float32]:
    """Noise whose power falls with the frequency to the `slope`: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(draw.standard_normal(count))
    spectrum[1:] *= np.arange(1, len(spectrum)) ** (-slope / 2)
    return np.asarray(np.fft.irfft(spectrum, count), np.float32)


def _room(audio: NDArray[np.float32], draw: Generator) -> NDArray[np.float32]:
    """Convolve with a decaying tail; the direct sound stays first, so that synchrony is kept."""
    from scipy.signal import fftconvolve

    length = int(draw.uniform(0.05, 0.35) * 16_000)
    tail = draw.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    tail *= draw.uniform(0.1, 0.6) / (np.linalg.norm(tail) + 1e-9)
    tail[0] = 1.0
    return np.asarray(fftconvolve(audio, tail)[: len(audio)], np.float32)
