"""Which moment of the footage sounds most like each moment of the audio: unit selection by dynamic programming."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS
from bench_lipsync.harness.media.mfcc import mfcc

_WINDOWS_PER_FRAME = 4
"""100 MFCC windows a second for 25 frames."""
_CONTEXT = 1
"""Frames heard before and after the one that is drawn: sounds colour their neighbours."""


def sound_features(samples: NDArray[np.int16], frames: int) -> NDArray[np.float32]:
    """(frames, D): 13 MFCC of the frame and its neighbours, each with mean 0 and variance 1 over the clip.

    `samples` are `frames * 640` at 16 kHz. Normalising takes away much of who speaks and into what microphone.
    """
    columns = mfcc(samples)
    needed = frames * _WINDOWS_PER_FRAME
    columns = np.pad(columns, ((0, max(0, needed - len(columns))), (0, 0)), mode="edge")[:needed]
    columns = (columns - columns.mean(axis=0)) / (columns.std(axis=0) + 1e-6)
    per_frame = columns.reshape(frames, -1)
    padded = np.pad(per_frame, ((_CONTEXT, _CONTEXT), (0, 0)), mode="edge")
    near = [padded[shift : shift + frames] for shift in range(2 * _CONTEXT + 1)]
    return np.concatenate(near, axis=1).astype(np.float32)


def choose_units(
    heard: NDArray[np.float32], spoken: NDArray[np.float32], gap: int = 0, jump: float = 0.5
) -> NDArray[np.int64]:
    """(T,) rows of `spoken` (S, D) for the rows of `heard` (T, D): near in sound, in runs as long as that allows.

    The sum of distances is least, where every step that is not to the next row of `spoken` costs `jump` times the
    median distance. Row s may not serve row t where |s - t| < `gap`; rows that this leaves without any may use all.
    Memory: one bit a pair. Source: the dynamic programme of concatenative synthesis (Hunt and Black, ICASSP 1996).
    """
    count, choices = len(heard), len(spoken)
    norms = (spoken**2).sum(axis=1)
    places = np.arange(choices)
    penalty: float | None = None
    best = np.zeros(choices)
    jumped = np.zeros((count, -(-choices // 8)), np.uint8)
    cheapest = np.zeros(count, np.int64)
    for row in range(count):
        distance = np.sqrt(np.maximum(norms - 2 * spoken @ heard[row] + (heard[row] ** 2).sum(), 0)).astype(np.float64)
        if penalty is None:
            penalty = jump * float(np.median(distance))
        barred = np.abs(places - row) < gap
        if not barred.all():
            distance[barred] = np.inf
        going_on = np.concatenate([[np.inf], best[:-1]]) if row else best
        cheapest[row] = int(np.argmin(best))
        anew = best[cheapest[row]] + (penalty if row else 0.0)
        jumped[row] = np.packbits(anew < going_on, bitorder="little")
        best = distance + np.minimum(anew, going_on)
    chosen = np.empty(count, np.int64)
    chosen[-1] = int(np.argmin(best))
    for row in range(count - 1, 0, -1):
        at = chosen[row]
        chosen[row - 1] = cheapest[row] if jumped[row, at // 8] >> (at % 8) & 1 else at - 1
    return chosen


def default_gap(frames: int) -> int:
    """Frames around a moment that may not stand for it when it is its own sound: a second, or a quarter of the clip."""
    return max(1, min(FPS, frames // 4))
