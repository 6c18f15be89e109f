"""Putting the mark into a picture: quantisation index modulation, which the picture itself does not disturb.

Every value of `harness.watermark.pattern.measure` is moved to the nearest point of the lattice that stands for its bit:
STEP * (whole number + shift + bit / 2). Each frame bears the whole mark, so frames may be dropped, repeated or cut.
A tile that does not change between frames gets the same change in all, so that nothing flickers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.watermark.pattern import STEP, draw, key, measure

MIN_SIDE = 16
"""Pictures with a shorter side have no room for the mark and are refused."""
_ROUNDS = 2  # the second one makes good what scaling, rounding and clipping took from the first
_FULL_RANGE = 255 / 219


def embed(luma: NDArray[np.uint8], full_range: bool = False) -> NDArray[np.uint8]:
    """`luma` (H, W) with the mark, about 47 dB from it. `full_range`: levels are 0 to 255 instead of 16 to 235.

    Raises `ValueError` for a picture smaller than `MIN_SIDE`.
    """
    if min(luma.shape) < MIN_SIDE:
        raise ValueError(f"a picture of {luma.shape[1]}x{luma.shape[0]} is too small for the mark ({MIN_SIDE} pixels)")
    code = key()
    step = np.float32(STEP * (_FULL_RANGE if full_range else 1.0))
    offset: NDArray[np.float32] = (code.shift + code.payload[code.bit] / 2).astype(np.float32)
    values = measure(luma)
    target = (np.round(values / step - offset) + offset) * step
    exact = luma.astype(np.float32)
    marked = luma
    for _ in range(_ROUNDS):
        exact = exact + draw(target - measure(marked), *luma.shape)
        marked = np.clip(np.round(exact), 0, 255).astype(np.uint8)
    return marked
