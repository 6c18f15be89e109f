"""Unit selection by dynamic programming: finds frames whose audio resembles the driving audio."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS
from bench_lipsync.harness.media.mfcc import mfcc

_WINDOWS_PER_FRAME = 4
"""100 MFCC windows a second for 25 frames."""
_CONTEXT = 1
"""Frames of context before and after each frame: coarticulation."""


def audio_features(samples: NDArray[np.int16], frames: int) -> NDArray[np.float32]:
    """MFCC of each frame and its neighbours.

    Coefficients have mean 0 and variance 1 over the clip, which removes much of the speaker and the microphone.

    Args:
        samples: (frames * 640,) int16 at 16 kHz.
        frames: Number of video frames.

    Returns:
        (frames, D) float32.
    """
    windows = mfcc(samples)
    count = frames * _WINDOWS_PER_FRAME
    windows = np.pad(windows, ((0, max(0, count - len(windows))), (0, 0)), mode="edge")[:count]
    windows = (windows - windows.mean(axis=0)) / (windows.std(axis=0) + 1e-6)
    per_frame = windows.reshape(frames, -1)
    padded = np.pad(per_frame, ((_CONTEXT, _CONTEXT), (0, 0)), mode="edge")
    shifted = [padded[shift : shift + frames] for shift in range(2 * _CONTEXT + 1)]
    return np.concatenate(shifted, axis=1).astype(np.float32)


def choose_units(
    targets: NDArray[np.float32], candidates: NDArray[np.float32], gap: int = 0, jump: float = 0.5
) -> NDArray[np.int64]:
    """Choose a candidate for every target, with similar features and few jumps.

    Minimises the sum of distances plus a cost for every step that is not to the next candidate, by the dynamic
    programme of concatenative synthesis (Hunt and Black, ICASSP 1996). Memory: one bit a pair.

    Args:
        targets: Features of the driving audio, (T, D).
        candidates: Features of the footage, (S, D).
        gap: Candidate s is excluded for target t where |s - t| < `gap`, unless that excludes all candidates.
        jump: Cost of a jump, in median distances.

    Returns:
        (T,) indices of candidates.
    """
    count, choices = len(targets), len(candidates)
    norms = (candidates**2).sum(axis=1)
    indices = np.arange(choices)
    penalty: float | None = None
    best = np.zeros(choices)
    jumped = np.zeros((count, -(-choices // 8)), np.uint8)
    cheapest = np.zeros(count, np.int64)
    for row in range(count):
        target = targets[row]
        distance = np.sqrt(np.maximum(norms - 2 * candidates @ target + (target**2).sum(), 0)).astype(np.float64)
        if penalty is None:
            penalty = jump * float(np.median(distance))
        excluded = np.abs(indices - row) < gap
        if not excluded.all():
            distance[excluded] = np.inf
        continued = np.concatenate([[np.inf], best[:-1]]) if row else best
        cheapest[row] = int(np.argmin(best))
        restarted = best[cheapest[row]] + (penalty if row else 0.0)
        jumped[row] = np.packbits(restarted < continued, bitorder="little")
        best = distance + np.minimum(restarted, continued)
    chosen = np.empty(count, np.int64)
    chosen[-1] = int(np.argmin(best))
    for row in range(count - 1, 0, -1):
        index = chosen[row]
        chosen[row - 1] = cheapest[row] if jumped[row, index // 8] >> (index % 8) & 1 else index - 1
    return chosen


def default_gap(frames: int) -> int:
    """Excluded frames around a target when the driving audio is the clip's own: a second, or a quarter of the clip."""
    return max(1, min(FPS, frames // 4))
