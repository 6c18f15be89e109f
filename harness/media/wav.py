"""Canonical audio on disk: 16 kHz mono 16-bit PCM in a WAV file."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media.format import SAMPLE_RATE
from bench_lipsync.harness.util.sanitize import shown


def write_wav(path: Path, samples: NDArray[np.int16]) -> None:
    """Write int16 `samples` of shape (N,) at 16 kHz."""
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise ValueError(f"expected int16 samples of shape (N,), got {samples.dtype} {samples.shape}")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())


def read_wav(path: Path) -> NDArray[np.int16]:
    """Samples, int16 of shape (N,), of a file that `write_wav` wrote; `ClipError` for any other kind of WAV."""
    try:
        with wave.open(str(path), "rb") as file:
            kind = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError, OSError) as error:
        raise ClipError(Status.DECODE_ERROR, f"{shown(path.name)}: {error}") from error
    if kind != (1, 2, SAMPLE_RATE):
        reason = f"{shown(path.name)}: expected mono 16-bit {SAMPLE_RATE} Hz, got (channels, bytes, rate) = {kind}"
        raise ClipError(Status.DECODE_ERROR, reason)
    return np.frombuffer(data, dtype="<i2").astype(np.int16)
