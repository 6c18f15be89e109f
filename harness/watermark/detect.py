"""Reading the mark of a video: the bits of its frames together, compared with the payload.

A video without the mark gives each of the 64 bits with probability 1/2 right, so the number of wrong bits follows the
binomial distribution B(64, 1/2): 32 on average. With at most `MAX_ERRORS` wrong bits a video is said to be marked; by
chance that happens once in `1 / FALSE_ALARM_RATE` videos.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.watermark.pattern import BITS, STEP, key, measure


def _chance(errors: int) -> float:
    return float(sum(comb(BITS, wrong) for wrong in range(errors + 1)) / 2**BITS)


MAX_ERRORS = 12
"""Most bits of 64 that may be wrong in a video that is said to be marked."""
FALSE_ALARM_RATE = _chance(MAX_ERRORS)
"""Probability that an unmarked video is said to be marked: 2.3e-7."""
MAX_FRAMES = 128
"""Frames that are looked at: every second one from the beginning."""
_EVERY = 2
_LEAST = 0.02  # evidence of a frame, of up to 4, that counts: a plain picture has rounding errors only
_FULL_RANGE = 219 / 255


@dataclass(frozen=True)
class Detection:
    """What was found in a video."""

    errors: int
    """Bits of 64 that differ from the payload; 32 is chance."""
    frames: int
    """Frames that were looked at."""

    @property
    def marked(self) -> bool:
        """Whether the video is said to carry the mark."""
        return self.errors <= MAX_ERRORS

    @property
    def chance(self) -> float:
        """Probability that an unmarked video has as few wrong bits."""
        return _chance(self.errors)


def soft_bits(luma: NDArray[np.generic], full_range: bool = False) -> NDArray[np.float64]:
    """(64,) evidence of one picture (H, W): above 0 for a bit that is 0, below for one that is 1."""
    code = key()
    scale = _FULL_RANGE if full_range else 1.0
    evidence = np.cos(2 * np.pi * (measure(luma) * (scale / STEP) - code.shift))
    return np.bincount(code.bit.ravel(), weights=evidence.ravel(), minlength=BITS).astype(np.float64)


def decide(frames: Iterable[NDArray[np.float64]]) -> Detection:
    """Add up the evidence of frames and compare. A bit without evidence either way counts as wrong."""
    total = np.zeros(BITS)
    count = 0
    for evidence in frames:
        total += evidence
        count += 1
    signs = np.where(key().payload == 1, -1.0, 1.0)
    return Detection(errors=int(np.sum(total * signs <= _LEAST * max(1, count))), frames=count)


def detect(path: Path) -> Detection:
    """Look for the mark in the first `2 * MAX_FRAMES` frames of a video. Raises `ClipError` (`decode_error`)."""
    return decide(_evidence(path))


def _evidence(path: Path) -> Iterable[NDArray[np.float64]]:
    from itertools import islice

    from bench_lipsync.harness.media.container import media_errors
    from bench_lipsync.harness.media.frames import timed_frames
    from bench_lipsync.harness.media.yuv_planes import ToPlanes

    to_planes = ToPlanes()
    with media_errors(path):
        for timed in islice(timed_frames(path, 0.0), 0, _EVERY * MAX_FRAMES, _EVERY):
            planes = to_planes(timed.frame)
            yield soft_bits(planes.luma, planes.colour.full)
