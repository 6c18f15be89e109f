"""Small faces in large frames: the detector sees whatever it is given at 128 pixels, so it is given smaller squares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.faces.landmarker import Face, Landmarker
from bench_lipsync.harness.faces.region import Region, whole

_SIDES = (1.0, 0.5)
"""Sides of the squares in parts of the picture's shorter side; finds faces down to a fifteenth of that side."""


def search(landmarker: Landmarker, picture: NDArray[np.uint8], region: Region | None = None) -> list[Face]:
    """Faces in squares of `picture` (H, W, 3) that overlap by half, large squares first; the first size with a find."""
    area = whole(picture) if region is None else region.inside(whole(picture))
    for part in _SIDES:
        found: list[Face] = []
        for tile in _tiles(area, part * min(area.width, area.height)):
            for face in landmarker.faces(picture, tile):
                if all(face.box.overlap(other.box) == 0 for other in found):
                    found.append(face)
        if found:
            return found
    return []


def _tiles(area: Region, side: float) -> list[Region]:
    columns, rows = _starts(area.width, side), _starts(area.height, side)
    return [Region(area.x + x, area.y + y, side, side) for y in rows for x in columns]


def _starts(length: float, side: float) -> list[float]:
    if side <= 0:
        return []
    steps = int(np.ceil((length - side) / (side / 2))) + 1
    return [float(start) for start in np.linspace(0, length - side, max(1, steps))]
