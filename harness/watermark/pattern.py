"""Where the mark lies in a picture and what it says. Nothing here may change: old videos could not be recognised.

The luma is brought to 256x256 whatever its size and shape, and cut into 8x8 tiles. In every tile four smooth patterns
of middle frequencies (7 to 20 waves across the picture) are measured; each of the 256 values carries one of 64 bits,
four values a bit. The values of bits, tiles and patterns are dealt out once, by a fixed seed.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

GRID = 256
"""Side in pixels of the picture in which the mark is defined."""
TILES = 8
"""Tiles along each side."""
BITS = 64
"""Bits of the payload."""
STEP = 60.0
"""Distance of the lattice points between which a value is moved, in levels of limited-range luma; see `embed`."""

_TILE = GRID // TILES
_PATTERNS = 4  # in each tile
_BAND = (2.0, 5.0)  # half waves across a tile, along both axes together
_SEED = 20_231


class Key(NamedTuple):
    """Everything that embedding and detection must agree on."""

    patterns: NDArray[np.float32]
    """(4, 1024) orthonormal, mean zero, fading towards the tile's edge"""
    bit: NDArray[np.intp]
    """(64, 4) which bit the value of a tile and pattern carries"""
    shift: NDArray[np.float32]
    """(64, 4) +-1/4, in steps: where its lattice lies. A value of 0, as every flat picture has, is thus undecided."""
    payload: NDArray[np.intp]
    """(64,) the bits that say "made by bench generate"
    """


@cache
def key() -> Key:
    """The one key of the project."""
    # RandomState, not Generator: its stream is promised never to change.
    random = np.random.RandomState(_SEED)
    noise = random.standard_normal((_PATTERNS, len(_waves())))
    slots = (TILES * TILES, _PATTERNS)
    bit = (random.permutation(slots[0] * slots[1]) % BITS).reshape(slots)
    shift = random.choice([-0.25, 0.25], size=slots).astype(np.float32)
    return Key(_orthonormal(noise @ _waves()), bit, shift, random.randint(0, 2, BITS).astype(np.intp))


@cache
def _waves() -> NDArray[np.float64]:
    """Cosine waves of the band under a window that fades to nothing, (count, 1024)."""
    place = np.pi * (np.arange(_TILE) + 0.5) / _TILE
    window = np.outer(np.sin(place), np.sin(place))
    limit = int(_BAND[1]) + 1
    pairs = [(u, v) for u in range(limit) for v in range(limit) if _BAND[0] <= np.hypot(u, v) <= _BAND[1]]
    return np.stack([(window * np.outer(np.cos(v * place), np.cos(u * place))).ravel() for u, v in pairs])


def _orthonormal(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """Gram and Schmidt by hand: libraries differ in the signs of their factors."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    done: list[NDArray[np.float64]] = []
    for row in rows:
        for other in done:
            row = row - (row @ other) * other  # noqa: PLW2901
        done.append(row / np.linalg.norm(row))
    return np.stack(done).astype(np.float32)


def measure(luma: NDArray[np.generic]) -> NDArray[np.float32]:
    """The 256 values (64, 4) of a picture's `luma` (H, W), uint8 or float, in levels of the luma given."""
    import cv2

    height, width = luma.shape
    # By area wherever it shrinks: plain interpolation would skip pixels and let fine texture through.
    narrow: Any = luma.astype(np.float32)
    if width > GRID:
        narrow = cv2.resize(narrow, (GRID, height), interpolation=cv2.INTER_AREA)
    if height > GRID:
        narrow = cv2.resize(narrow, (narrow.shape[1], GRID), interpolation=cv2.INTER_AREA)
    grid = cv2.resize(narrow, (GRID, GRID), interpolation=cv2.INTER_LINEAR)
    tiles = grid.reshape(TILES, _TILE, TILES, _TILE).transpose(0, 2, 1, 3).reshape(TILES * TILES, -1)
    values: NDArray[np.float32] = tiles @ key().patterns.T
    return values


def draw(values: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """A picture (height, width) whose patterns have `values` (64, 4), about as `measure` finds them."""
    import cv2

    tiles = (values @ key().patterns).reshape(TILES, TILES, _TILE, _TILE)
    grid = tiles.transpose(0, 2, 1, 3).reshape(GRID, GRID).astype(np.float32)
    picture: NDArray[np.float32] = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    return picture
