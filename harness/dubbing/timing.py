"""Which source moment every output frame shows: forward through the video, then back, then forward again.

Everything is worked out in seconds of one clock, the output's, which begins with the recording. The source stands at
`bounce(t)`: a triangle wave between its first and its last frame. The model works at 25 frames a second of that clock,
the output at the source's own rate, and both look at the same wave, so they can never drift apart.
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
    """The plan for one output. K output frames, T generated frames."""

    shown: Times
    """(K,) seconds into the source of the picture behind every output frame."""
    generated: NDArray[np.intp]
    """(K,) the generated frame whose lips every output frame has: the nearest in time; never falls."""
    prepared: NDArray[np.intp]
    """(T,) the prepared frame that every generated frame is made from."""


def make_timing(samples: int, rate: Fraction, last: float, prepared: int) -> Timing:
    """Plan an output as long as `samples` at 16 kHz, at `rate`, over a source whose last frame stands at `last` s.

    `prepared`: the source's frames at 25 per second. At least one frame comes out.
    """
    count = max(1, int(Fraction(samples, SAMPLE_RATE) * rate + Fraction(1, 2)))
    clock = np.arange(count) / float(rate)
    generated = np.ceil(clock * FPS - 0.5 - _EPSILON).astype(np.intp)
    end = min(last, (prepared - 1) / FPS)
    source = bounce(np.arange(generated[-1] + 1) / FPS, end)
    nearest = np.clip(np.ceil(source * FPS - 0.5 - _EPSILON).astype(np.intp), 0, prepared - 1)
    return Timing(bounce(clock, end), generated, nearest)


def bounce(times: Times, end: float) -> Times:
    """Where a point that runs from 0 to `end` and back without rest is at `times`; 0 throughout when `end` is 0."""
    if end <= 0:
        return np.zeros_like(times)
    phase = np.mod(times, 2 * end)
    place: Times = np.where(phase <= end + _EPSILON, np.minimum(phase, end), 2 * end - phase)
    return place


def output_rate(stated: float | None, times: Times) -> Fraction:
    """The source's frames per second as a fraction a video file can hold.

    The stated average is taken unless the times of the frames belie it by more than a tenth; a still picture has 25.
    """
    if len(times) < 2:
        return Fraction(FPS)
    found = (len(times) - 1) / float(times[-1] - times[0])
    value = stated if stated and abs(stated / found - 1) <= 0.1 else found
    for base in (1, 1001):  # whole rates, and 24000/1001, 30000/1001, 60000/1001
        whole = round(value * base / (1000 if base > 1 else 1))
        exact = Fraction(whole * (1000 if base > 1 else 1), base)
        if whole and abs(float(exact) / value - 1) < 1e-5:
            return exact
    return Fraction(value).limit_denominator(1000)
