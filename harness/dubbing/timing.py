"""Which source frame every output frame shows: forward through the video, then back, then forward again.

All times are seconds of the output, which starts with the audio. The position in the source is `bounce(t)`, a triangle
wave between its first and its last frame. The model works at 25 fps, the output at the source's frame rate; both sample
the same wave, so they cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS, SAMPLE_RATE

_EPSILON = 1e-6
Times = NDArray[np.float64]


@dataclass(frozen=True)
class Timing:
    """Frame indices of an output: K output frames, T generated frames."""

    shown: Times
    """(K,) source time of every output frame, in seconds."""
    generated: NDArray[np.intp]
    """(K,) index of the generated frame nearest in time to every output frame; never decreases."""
    prepared: NDArray[np.intp]
    """(T,) index of the prepared frame that every generated frame is made from."""


def make_timing(samples: int, rate: Fraction, last: float, prepared: int) -> Timing:
    """Plan an output as long as its audio, of at least one frame.

    Args:
        samples: Length of the audio at 16 kHz.
        rate: Frame rate of the output.
        last: Time of the source's last frame in seconds.
        prepared: Number of the source's frames at 25 fps.
    """
    count = max(1, int(Fraction(samples, SAMPLE_RATE) * rate + Fraction(1, 2)))
    clock = np.arange(count) / float(rate)
    generated = np.ceil(clock * FPS - 0.5 - _EPSILON).astype(np.intp)
    end = min(last, (prepared - 1) / FPS)
    source = bounce(np.arange(generated[-1] + 1) / FPS, end)
    nearest = np.clip(np.ceil(source * FPS - 0.5 - _EPSILON).astype(np.intp), 0, prepared - 1)
    return Timing(bounce(clock, end), generated, nearest)


def bounce(times: Times, end: float) -> Times:
    """Triangle wave between 0 and `end`, sampled at `times`; 0 where `end` is 0."""
    if end <= 0:
        return np.zeros_like(times)
    phase = np.mod(times, 2 * end)
    position: Times = np.where(phase <= end + _EPSILON, np.minimum(phase, end), 2 * end - phase)
    return position


def output_rate(stated: float | None, times: Times) -> Fraction:
    """The source's frame rate as a fraction that a video file can hold.

    Args:
        stated: Average rate according to the container.
        times: Presentation times; they override a stated rate that is off by more than a tenth.

    Returns:
        The rate; 25 for a still image.
    """
    if len(times) < 2:
        return Fraction(FPS)
    measured = (len(times) - 1) / float(times[-1] - times[0])
    value = stated if stated and abs(stated / measured - 1) <= 0.1 else measured
    for unit in (Fraction(1), Fraction(1000, 1001)):  # Whole rates, and 24000/1001, 30000/1001, 60000/1001.
        exact = round(value / unit) * unit
        if exact and abs(float(exact) / value - 1) < 1e-5:
            return exact
    return Fraction(value).limit_denominator(1000)
