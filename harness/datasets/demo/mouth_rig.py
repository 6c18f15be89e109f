"""Geometry of a portrait's mouth, measured once: seam of the lips, extent of jaw and lips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Float32 = NDArray[np.float32]
    Field = NDArray[np.floating[Any]]

INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
KNOTS = 8
"""Samples of the seam a pixel."""
WIDEST = 0.125
"""Gap between the lips at `opening` 1, relative to the face height."""
UPPER_SHARE = 0.2
"""Share of the gap made by the upper lip; the jaw makes the rest."""


class Lips(NamedTuple):
    """One frame's articulation, in the units of `visemes.Articulation`."""

    opening: float = 0.0
    width: float = 0.0
    press: float = 0.0
    tuck: float = 0.0
    tongue: float = 0.0


@dataclass(frozen=True)
class MouthRig:
    """Measurements that `articulate_mouth` needs; arrays cover the window `top:bottom, left:right`."""

    top: int
    bottom: int
    left: int
    right: int
    x: Float32
    """(h, w) pixels right of the middle of the mouth."""
    y: Float32
    """(h, w) pixels below the seam's middle."""
    near: Float32
    """(h, w) weight of the lips' change of width, 0..1."""
    jaw: Float32
    """(h, w) weight of the jaw's movement, 0..1, falling from the middle outwards."""
    knots: Float32
    """Abscissae of `seam`."""
    seam: Float32
    """The closed lips' seam over `knots`, pixels below its own middle."""
    half_width: float
    """Middle to corner of the mouth, pixels."""
    nose: float
    """Pixels from the seam up to the nose's base."""
    chin: float
    """Pixels from the seam down to the chin's tip."""
    face_height: float
    light: float
    """Brightness of the skin around the mouth, 0..1."""
    lip_colour: Float32
    """Mean RGB of the lower lip, 0..255."""


class Gap(NamedTuple):
    """The opening between the lips over (a part of) the rig's window; float (h, w) arrays in the rig's pixels."""

    x: Field
    y: Field
    t: Field
    """Position across the mouth: -1 and 1 at the corners."""
    seam: Field
    """Where the closed lips would meet."""
    upper: Field
    """Edge of the upper lip."""
    lower: Field
    """Edge of the lower lip."""
    height: Field
    """`lower - upper`."""

    def part(self, rows: slice, columns: slice) -> Gap:
        """The same gap over a part of the window."""
        return Gap(*(field[rows, columns] for field in self))


def build_mouth(still: NDArray[np.uint8], landmarks: Float32) -> MouthRig:
    """Measure the mouth of a still with closed lips; `landmarks` (478, 3) in its pixels."""
    import numpy as np
    from scipy.ndimage import gaussian_filter

    points = landmarks.astype(np.float64)
    left, right = points[78], points[308]
    middle_x = float((left[0] + right[0]) / 2)
    half = float(right[0] - left[0]) / 2
    curve = (points[list(INNER_UPPER), :2] + points[list(INNER_LOWER), :2]) / 2
    grey = gaussian_filter(still.astype(np.float64).mean(axis=2), 0.7)
    xs = np.linspace(left[0], right[0], 33)
    ys = _darkest(grey, xs, np.interp(xs, curve[:, 0], curve[:, 1]))
    fit = np.polynomial.Polynomial.fit(xs, ys, 5)
    middle_y = float(fit(middle_x))
    knots = np.arange(0, still.shape[1], 1 / KNOTS)
    seam = fit(np.clip(knots, left[0], right[0]))
    face = float(points[152, 1] - points[10, 1])
    chin = float(points[152, 1]) - middle_y
    box = (
        int(max(0, middle_y - 0.55 * face)),
        int(min(still.shape[0], middle_y + chin + 0.75 * chin)),
        int(max(0, middle_x - 4.2 * half)),
        int(min(still.shape[1], middle_x + 4.2 * half)),
    )
    gy, gx = np.mgrid[box[0] : box[1], box[2] : box[3]]
    near = np.exp(-np.square((gx - middle_x) / (2.2 * half)) - np.square((gy - middle_y) / (1.25 * half)))
    lower = points[[87, 14, 317, 16, 15], :2].mean(axis=0).astype(int)
    lip = still[lower[1] - 1 : lower[1] + 3, lower[0] - 6 : lower[0] + 7]
    skin = points[[50, 280, 205, 425, 199], :2].astype(int)
    return MouthRig(
        *box,
        x=(gx - middle_x).astype(np.float32),
        y=(gy - middle_y).astype(np.float32),
        near=near.astype(np.float32),
        jaw=np.exp(-((np.abs(gx - middle_x) / (3.0 * half)) ** 3)).astype(np.float32),
        knots=(knots - middle_x).astype(np.float32),
        seam=(seam - middle_y).astype(np.float32),
        half_width=half,
        nose=middle_y - float(points[2, 1]),
        chin=chin,
        face_height=face,
        light=float(np.mean([still[y, x].mean() for x, y in skin]) / 255),
        lip_colour=lip.reshape(-1, 3).mean(0).astype(np.float32),
    )


def _darkest(grey: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move `ys` to the darkest line between the lips, the seam, by at most 4 pixels."""
    import numpy as np

    rows_of_seam = []
    for x, y in zip(xs, ys, strict=True):
        rows = np.arange(round(y) - 4, round(y) + 5)
        cost = grey[rows, round(x)] + 1.5 * np.abs(rows - y)
        weight = np.exp(-(cost - cost.min()) / 4)
        rows_of_seam.append(float((rows * weight).sum() / weight.sum()))
    return np.asarray(rows_of_seam)
