"""Detects the watermark of a video from the accumulated evidence of its frames.

In an unmarked video each of the 64 bits is right with probability 1/2, so the number of bit errors follows the binomial
distribution B(64, 1/2), with mean 32. A video with at most `MAX_ERRORS` errors counts as marked; by chance, that
happens once in `1 / FALSE_ALARM_RATE` videos.
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
"""Largest number of bit errors, of 64, in a video that counts as marked."""
FALSE_ALARM_RATE = _chance(MAX_ERRORS)
"""Probability that an unmarked video counts as marked: 2.3e-7."""
MAX_FRAMES = 128
"""Frames that are evaluated: every second one from the start."""
_EVERY = 2
_MIN_EVIDENCE = 0.02  # Per frame, of up to 4: a uniform frame has rounding errors only.
_FULL_RANGE = 219 / 255


@dataclass(frozen=True)
class Detection:
    """Result of a detection."""

    errors: int
    """Bits of 64 that differ from the payload; 32 is chance."""
    frames: int
    """Frames that were evaluated."""

    @property
    def marked(self) -> bool:
        """Whether the video counts as marked."""
        return self.errors <= MAX_ERRORS

    @property
    def chance(self) -> float:
        """Probability that an unmarked video has as few bit errors."""
        return _chance(self.errors)


def soft_bits(luma: NDArray[np.generic], full_range: bool = False) -> NDArray[np.float64]:
    """Evidence for each bit in one frame.

    Args:
        luma: (H, W).
        full_range: Whether levels are 0 to 255 instead of 16 to 235.

    Returns:
        (64,): positive for a bit that is 0, negative for one that is 1.
    """
    code = key()
    scale = _FULL_RANGE if full_range else 1.0
    evidence = np.cos(2 * np.pi * (measure(luma) * (scale / STEP) - code.shift))
    return np.bincount(code.bit.ravel(), weights=evidence.ravel(), minlength=BITS).astype(np.float64)


def decide(frames: Iterable[NDArray[np.float64]]) -> Detection:
    """Sum the evidence (64,) of frames and compare it with the payload; a bit without evidence counts as wrong."""
    total = np.zeros(BITS)
    count = 0
    for evidence in frames:
        total += evidence
        count += 1
    signs = np.where(key().payload == 1, -1.0, 1.0)
    return Detection(errors=int(np.sum(total * signs <= _MIN_EVIDENCE * max(1, count))), frames=count)


def detect(path: Path) -> Detection:
    """Detect the watermark in the first `2 * MAX_FRAMES` frames of a video.

    Raises:
        ClipError: `decode_error`: the video cannot be read.
    """
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
