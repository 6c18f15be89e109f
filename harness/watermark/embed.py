"""Embeds the watermark by quantisation index modulation, which is robust against interference from the frame itself.

Every value of `harness.watermark.pattern.measure` is moved to the nearest point of the lattice of its bit:
STEP * (integer + shift + bit / 2). Each frame carries the complete payload, so frames may be dropped, repeated or cut.
A tile that is constant over frames gets the same change in all of them, so that nothing flickers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.watermark.pattern import STEP, draw, key, measure

MIN_SIDE = 16
"""Frames with a shorter side have no room for the watermark and are refused."""
_ROUNDS = 2  # The second compensates for scaling, rounding and clipping in the first.
_FULL_RANGE = 255 / 219


def embed(luma: NDArray[np.uint8], full_range: bool = False) -> NDArray[np.uint8]:
    """Embed the watermark in a frame; the PSNR is about 47 dB.

    Args:
        luma: (H, W) uint8.
        full_range: Whether levels are 0 to 255 instead of 16 to 235.

    Returns:
        A marked copy.

    Raises:
        ValueError: The frame is smaller than `MIN_SIDE`.
    """
    if min(luma.shape) < MIN_SIDE:
        raise ValueError(
            f"a frame of {luma.shape[1]}x{luma.shape[0]} is too small for the watermark ({MIN_SIDE} pixels)"
        )
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
