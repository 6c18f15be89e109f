"""Perceptual sharpness without reference: the cumulative probability of blur detection (Narvekar and Karam 2011).

An edge looks blurred when it is wider than what is just noticeable at its contrast. CPBD is the share of edges that
do not. Only upright edges count, and their widths are measured along the rows, as published.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = 64
EDGE_SHARE = 0.002
"""Share of a block's pixels that must be edges (Canny) for the block to count."""
LOW_CONTRAST = 50
WIDTH_LOW, WIDTH_HIGH = 5, 3
"""Just noticeable widths in pixels, in blocks of low and of higher contrast."""
_REACH = 100
"""Pixels to either side after which an edge is no longer followed, as published."""


class Edges(NamedTuple):
    """Two masks (H, W) of an image."""

    measured: NDArray[np.bool_]
    """Pixels whose edge was measured."""
    sharp: NDArray[np.bool_]
    """Those of them that do not look blurred."""


def find_edges(grey: NDArray[np.uint8]) -> Edges:
    """The edges of an image (H, W) and which of them are sharp; pixels beyond the last complete block do not count.

    An edge of width w in a block whose just noticeable width is J is seen as blurred with the probability
    `1 - exp(-(w / J)^3.6)`, and counts as sharp up to 63%: as widths are whole pixels, up to w = J.
    """
    from skimage.feature import canny

    image = grey.astype(np.float64)
    widths, outlines = edge_widths(image), canny(image)  # type: ignore[no-untyped-call]
    noticeable = np.zeros(image.shape, np.int64)
    for block in _blocks(image.shape):
        if outlines[block].mean() > EDGE_SHARE:
            contrast = np.ptp(image[block])
            noticeable[block] = WIDTH_LOW if contrast <= LOW_CONTRAST else WIDTH_HIGH
    measured = (widths > 0) & (noticeable > 0)
    return Edges(measured, measured & (widths <= noticeable))


def cpbd(edges: Edges, region: NDArray[np.bool_] | None = None) -> float | None:
    """Share of sharp edges in 0 to 1, of the whole image or of `region` (H, W); `None` where there is no edge."""
    measured, sharp = edges if region is None else (edges.measured & region, edges.sharp & region)
    count = int(measured.sum())
    return int(sharp.sum()) / count if count else None


def edge_widths(image: NDArray[np.float64]) -> NDArray[np.int64]:
    """(H, W) widths in pixels of the upright edges of `image` (Marziliano et al. 2002), 0 where there is none.

    From the edge's pixel the row is followed both ways as long as it goes on rising (or falling) strictly.
    """
    gradient_y, gradient_x = np.gradient(image)
    angle = np.degrees(np.arctan2(gradient_y, gradient_x))
    # Within 22.5 degrees of the row. The published code also takes an angle of 0 where the row does not change.
    rising = (np.abs(angle) <= 22.5) | (gradient_x == 0)
    falling = (np.abs(angle) >= 157.5) & ~rising
    edges = _upright_edges(image)
    edges[[0, -1]] = edges[:, [0, -1]] = False
    widths = np.zeros(image.shape, np.int64)
    for which, heights in ((edges & rising, image), (edges & falling, -image)):
        rows, columns = np.nonzero(which)
        before, after = _rise_before(heights), _rise_before(-heights[:, ::-1])[:, ::-1]
        widths[rows, columns] = 2 + before[rows, columns - 1] + after[rows, columns + 1]
    return widths


def _upright_edges(image: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Sobel's horizontal derivative above its threshold, and larger than both neighbours along a row or a column."""
    import cv2

    slope = cv2.Sobel(image, cv2.CV_64F, 1, 0, ksize=3, borderType=cv2.BORDER_REFLECT) / 8.0
    strength = np.square(slope)
    strength[strength <= 2.0 * np.sqrt(strength.mean())] = 0.0
    wide = np.pad(strength, 1)
    middle = wide[1:-1, 1:-1]
    along_row = (middle > wide[1:-1, :-2]) & (middle > wide[1:-1, 2:])
    along_column = (middle > wide[:-2, 1:-1]) & (middle > wide[2:, 1:-1])
    return np.asarray(along_row | along_column)


def _rise_before(heights: NDArray[np.float64]) -> NDArray[np.int64]:
    """(H, W) number of steps, counted back from each pixel, over which `heights` rose strictly; 100 at most."""
    columns = np.arange(heights.shape[1])
    rose = np.pad(np.diff(heights, axis=1) > 0, ((0, 0), (1, 0)))
    last_stop = np.maximum.accumulate(np.where(rose, 0, columns), axis=1)
    return np.minimum(columns - last_stop, _REACH).astype(np.int64)


def _blocks(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    for top in range(0, shape[0] - BLOCK + 1, BLOCK):
        for left in range(0, shape[1] - BLOCK + 1, BLOCK):
            yield slice(top, top + BLOCK), slice(left, left + BLOCK)
