"""Layout and payload of the watermark. Nothing here may change: existing videos would no longer be recognised.

The luma is resized to 256x256 whatever its size and aspect ratio, and divided into 8x8 tiles. In every tile the
projections on four smooth patterns of middle frequencies (7 to 20 waves across the frame) are measured; each of the 256
values carries one of 64 bits, four values a bit. A fixed seed assigns bits to tiles and patterns.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

GRID = 256
"""Side in pixels of the grid on which the watermark is defined."""
TILES = 8
"""Tiles along each side."""
BITS = 64
"""Bits of the payload."""
STEP = 60.0
"""Distance of the lattice points, in levels of limited-range luma; see `embed`."""

_TILE = GRID // TILES
_PATTERNS = 4  # In each tile.
_BAND = (2.0, 5.0)  # Half waves across a tile, along both axes together.
_SEED = 20_231


class Key(NamedTuple):
    """Parameters shared by embedding and detection."""

    patterns: NDArray[np.float32]
    """(4, 1024) orthonormal, mean zero, fading towards the tile's edge."""
    bit: NDArray[np.intp]
    """(64, 4) the bit carried by the value of a tile and pattern."""
    shift: NDArray[np.float32]
    """(64, 4) offset of the lattice in steps, +-1/4. A value of 0, as in every uniform frame, is thus undecided."""
    payload: NDArray[np.intp]
    """(64,) the bits that mean "made by bench generate"."""


@cache
def key() -> Key:
    """The fixed key of the project."""
    # RandomState, not Generator: its stream is guaranteed never to change.
    random = np.random.RandomState(_SEED)
    noise = random.standard_normal((_PATTERNS, len(_waves())))
    slots = (TILES * TILES, _PATTERNS)
    bit = (random.permutation(slots[0] * slots[1]) % BITS).reshape(slots)
    shift = random.choice([-0.25, 0.25], size=slots).astype(np.float32)
    return Key(_orthonormal(noise @ _waves()), bit, shift, random.randint(0, 2, BITS).astype(np.intp))


@cache
def _waves() -> NDArray[np.float64]:
    """Cosine waves of the band under a window that fades to zero, (count, 1024)."""
    phase = np.pi * (np.arange(_TILE) + 0.5) / _TILE
    window = np.outer(np.sin(phase), np.sin(phase))
    limit = int(_BAND[1]) + 1
    pairs = [(u, v) for u in range(limit) for v in range(limit) if _BAND[0] <= np.hypot(u, v) <= _BAND[1]]
    return np.stack([(window * np.outer(np.cos(v * phase), np.cos(u * phase))).ravel() for u, v in pairs])


def _orthonormal(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """Gram-Schmidt orthonormalisation; own code because libraries differ in the signs of their factors."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    basis: list[NDArray[np.float64]] = []
    for row in rows:
        for vector in basis:
            row = row - (row @ vector) * vector  # noqa: PLW2901
        basis.append(row / np.linalg.norm(row))
    return np.stack(basis).astype(np.float32)


def measure(luma: NDArray[np.generic]) -> NDArray[np.float32]:
    """Measure a frame.

    Args:
        luma: (H, W) uint8 or float.

    Returns:
        (64, 4) values by tile and pattern, in levels of `luma`.
    """
    import cv2

    height, width = luma.shape
    # Area averaging where it shrinks: interpolation would skip pixels and alias fine texture.
    reduced: Any = luma.astype(np.float32)
    if width > GRID:
        reduced = cv2.resize(reduced, (GRID, height), interpolation=cv2.INTER_AREA)
    if height > GRID:
        reduced = cv2.resize(reduced, (reduced.shape[1], GRID), interpolation=cv2.INTER_AREA)
    grid = cv2.resize(reduced, (GRID, GRID), interpolation=cv2.INTER_LINEAR)
    tiles = grid.reshape(TILES, _TILE, TILES, _TILE).transpose(0, 2, 1, 3).reshape(TILES * TILES, -1)
    values: NDArray[np.float32] = tiles @ key().patterns.T
    return values


def draw(values: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """A frame (height, width) whose `measure` is about `values` (64, 4)."""
    import cv2

    tiles = (values @ key().patterns).reshape(TILES, TILES, _TILE, _TILE)
    grid = tiles.transpose(0, 2, 1, 3).reshape(GRID, GRID).astype(np.float32)
    frame: NDArray[np.float32] = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    return frame
