"""The audio as the published SyncNet reads it: 13 MFCCs at 100 Hz from 16 kHz samples in int16 units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench_lipsync.harness.media.mfcc import mfcc as mfcc_rows
from bench_lipsync.models.syncnet.published.network import WINDOW_MFCC

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS_PER_FRAME = 4
"""MFCC columns per video frame (100 Hz / 25 fps)."""


def mfcc(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """(13, M) coefficients of int16 samples (N,) at 16 kHz: `harness.media.mfcc`'s rows, as columns.

    The samples must not be scaled to -1..1: the first coefficient is the log energy, and the network was trained on
    int16 units. A multiple of 640 samples gives M = N / 160 - 1.
    """
    return np.ascontiguousarray(mfcc_rows(samples).T, dtype=np.float32)


def mfcc_windows(coefficients: NDArray[np.float32], windows: int) -> NDArray[np.float32]:
    """(windows, 1, 13, 20): window i holds columns 4i..4i+19, the 0.2 s of video frames i..i+4."""
    view = np.lib.stride_tricks.sliding_window_view(coefficients, WINDOW_MFCC, axis=1)
    return np.ascontiguousarray(view[:, ::COLUMNS_PER_FRAME][:, :windows].transpose(1, 0, 2)[:, None])
