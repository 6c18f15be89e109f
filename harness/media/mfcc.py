"""MFCC of long audio in bounded memory: the same numbers as in one go, ten seconds at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.media.format import SAMPLE_RATE

_STEP, _WINDOW = 160, 400
"""Samples: 10 ms from one window to the next, 25 ms in each."""
_PREEMPHASIS = 0.97
_AT_ONCE = 1_000
"""Windows: ten seconds; the library takes more than 20 kB for each."""


def mfcc(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """(M, 13) coefficients at 100 Hz of int16 samples (N,) at 16 kHz: `python_speech_features.mfcc` with its defaults.

    Not scaled to -1..1: the first coefficient is the log energy. A multiple of 160 samples, at least 400, gives
    M = N / 160 - 1. Where a BLAS sums otherwise for fewer rows, the last bits may differ from those in one go.
    """
    import python_speech_features as library

    windows = 1 + max(0, -(-(len(samples) - _WINDOW) // _STEP))
    pieces = []
    for first in range(0, windows, _AT_ONCE):
        begin = first * _STEP
        end = None if first + _AT_ONCE >= windows else begin + (_AT_ONCE - 1) * _STEP + _WINDOW
        # Pre-emphasis needs the sample before the piece, and must not be done once more by `mfcc`.
        before = min(begin, 1)
        emphasised = library.sigproc.preemphasis(samples[begin - before : end], _PREEMPHASIS)[before:]
        pieces.append(library.mfcc(emphasised, SAMPLE_RATE, preemph=0))
    return np.concatenate(pieces)
