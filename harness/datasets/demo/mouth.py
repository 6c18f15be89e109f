"""The talking mouth in the plane of the still: lips cut along their seam, jaw lowered, teeth and tongue between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Float32 = NDArray[np.float32]

INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
KNOTS = 8
"""Points a pixel at which the seam is tabulated."""
WIDEST = 0.125
"""Gap between the lips at `opening` 1, as a part of the face's height."""
UPPER_SHARE = 0.2
"""Part of the gap that the upper lip gives; the jaw gives the rest."""
TEETH_BELOW_SEAM = 0.014
"""How far the upper teeth reach below the closed lips' seam, as a part of the face's height."""


class Lips(NamedTuple):
    """One frame's articulation, in the units of `visemes.Articulation`."""

    opening: float = 0.0
    width: float = 0.0
    press: float = 0.0
    tuck: float = 0.0
    tongue: float = 0.0


@dataclass(frozen=True)
class MouthRig:
    """What `articulate_mouth` needs to know about one still; arrays cover the window `top:bottom, left:right`."""

    top: int
    bottom: int
    left: int
    right: int
    x: Float32
    """(h, w) pixels right of the middle of the mouth."""
    y: Float32
    """(h, w) pixels below the seam's middle."""
    near: Float32
    """(h, w) how much of the lips' change of width is felt, 0..1."""
    jaw: Float32
    """(h, w) how much of the jaw's movement is felt from the middle outwards, 0..1."""
    knots: Float32
    """Abscissae at which `seam` is given."""
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
    lower = points[[87, 14, 317, 16, 15], :2].mean(axis=0).astype(int)
    skin = points[[50, 280, 205, 425, 199], :2].astype(int)
    return MouthRig(
        *box,
        x=(gx - middle_x).astype(np.float32),
        y=(gy - middle_y).astype(np.float32),
        near=np.exp(-np.square((gx - middle_x) / (2.2 * half)) - np.square((gy - middle_y) / (1.25 * half))).astype(
            np.float32
        ),
        jaw=np.exp(-((np.abs(gx - middle_x) / (3.0 * half)) ** 3)).astype(np.float32),
        knots=(knots - middle_x).astype(np.float32),
        seam=(seam - middle_y).astype(np.float32),
        half_width=half,
        nose=middle_y - float(points[2, 1]),
        chin=chin,
        face_height=face,
        light=float(np.mean([still[y, x].mean() for x, y in skin]) / 255),
        lip_colour=still[lower[1] - 1 : lower[1] + 3, lower[0] - 6 : lower[0] + 7]
        .reshape(-1, 3)
        .mean(0)
        .astype(np.float32),
    )


def _darkest(grey: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64]) -> NDArray[np.float64]:
    """The seam is the darkest line between the lips: move `ys` there, by at most 4 pixels."""
    import numpy as np

    found = []
    for x, y in zip(xs, ys, strict=True):
        rows = np.arange(round(y) - 4, round(y) + 5)
        cost = grey[rows, round(x)] + 1.5 * np.abs(rows - y)
        weight = np.exp(-(cost - cost.min()) / 4)
        found.append(float((rows * weight).sum() / weight.sum()))
    return np.asarray(found)


def articulate_mouth(still: NDArray[np.uint8], rig: MouthRig, lips: Lips) -> NDArray[np.uint8]:
    """A copy of `still` (H, W, 3) with the mouth as `lips` say; only the rig's window changes."""
    import cv2
    import numpy as np

    x, y = rig.x, rig.y
    factor = 1 + (0.1 * lips.width if lips.width > 0 else 0.3 * lips.width)
    source_x = x * (1 + np.float32(1 / factor - 1) * rig.near)
    t = source_x / rig.half_width
    gap = np.float32(max(0.0, lips.opening) * WIDEST * rig.face_height) * _lens(t, 0.9 + 0.25 * min(0.0, lips.width))
    seam = rig.seam[np.rint((source_x - rig.knots[0]) * KNOTS).astype(np.intp).clip(0, len(rig.seam) - 1)]
    upper_edge = seam - UPPER_SHARE * gap
    lower_edge = seam + (1 - UPPER_SHARE) * gap
    source_y = np.where(
        y < (upper_edge + lower_edge) / 2,
        _upper_source(rig, lips, y, upper_edge, gap, t),
        _lower_source(rig, lips, y, lower_edge, gap, t),
    )
    window = still[rig.top : rig.bottom, rig.left : rig.right]
    map_x = source_x - x[0, 0]
    map_y = source_y - y[0, 0]
    skin = cv2.remap(
        window, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    out = still.copy()
    inside = np.clip(np.minimum(y - upper_edge, lower_edge - y) + 0.5, 0, 1) * np.clip(gap, 0, 1)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if len(rows):
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        arrays = [array[part] for array in (x, y, upper_edge, lower_edge, seam, gap, t)]
        skin[part] += (_interior(rig, lips, *arrays) - skin[part]) * inside[part][..., None]
    out[rig.top : rig.bottom, rig.left : rig.right] = np.clip(np.rint(skin), 0, 255).astype(np.uint8)
    return out


def _lens(t: Float32, power: float) -> Float32:
    """Outline of the gap over the mouth's width: 1 in the middle, 0 at the corners."""
    import numpy as np

    return np.asarray(np.clip(1 - np.square(t), 0, 1) ** power, dtype=np.float32)


def _smoothstep(x: Float32) -> Float32:
    x = x.clip(0, 1)
    return x * x * (3 - 2 * x)


def _lip_roll(distance: Float32, amount: float, scale: float, t: Float32) -> Float32:
    """Extra distance from the lip's edge at which to look: positive hides the lip's inner part, negative swells it."""
    import numpy as np

    return np.asarray(
        amount * distance * np.exp(-np.square(distance / scale) - np.square(np.square(t))), dtype=np.float32
    )


def _upper_source(rig: MouthRig, lips: Lips, y: Float32, edge: Float32, gap: Float32, t: Float32) -> Float32:
    distance = (edge - y).clip(min=0)
    raised = UPPER_SHARE * gap * (1 - _smoothstep(distance / rig.nose))
    swell = 0.3 * lips.press - 0.18 * max(0.0, -lips.width) * (1 - lips.press)
    return y + raised - _lip_roll(distance, swell, 0.3 * rig.nose, t)


def _lower_source(rig: MouthRig, lips: Lips, y: Float32, edge: Float32, gap: Float32, t: Float32) -> Float32:
    import numpy as np

    distance = (y - edge).clip(min=0)
    drop = (1 - UPPER_SHARE) * max(0.0, lips.opening) * WIDEST * rig.face_height
    jaw = np.float32(0.8 * drop) * rig.jaw
    rises = _smoothstep(distance / (0.9 * rig.chin))
    below_chin = 1 - _smoothstep((y - rig.chin - 0.8 * drop) / (0.7 * rig.chin))
    lowered = (1 - UPPER_SHARE) * gap * (1 - rises) + jaw * rises * below_chin
    swell = 0.3 * lips.press - 0.18 * max(0.0, -lips.width) * (1 - lips.press)
    roll = _lip_roll(distance, swell, 0.3 * rig.nose, t)
    if lips.tuck <= 0:
        return np.asarray(y - lowered + roll, dtype=np.float32)
    tucked = (
        lips.tuck
        * 0.2
        * rig.nose
        * np.exp(-distance / (0.35 * rig.nose) - np.square(np.square(t)))
        * np.clip(1 - t * t, 0, 1)
    )
    return np.asarray(y - lowered + roll + tucked, dtype=np.float32)


def _interior(
    rig: MouthRig,
    lips: Lips,
    x: Float32,
    y: Float32,
    upper: Float32,
    lower: Float32,
    seam: Float32,
    gap: Float32,
    t: Float32,
) -> Float32:
    """RGB float32 (h, w, 3) of the mouth's inside: cavity, tongue, teeth, the lips' wet inner rim, shadows."""
    import numpy as np

    unit = rig.face_height
    light = np.float32(0.45 + 0.75 * rig.light)
    depth = ((y - upper) / np.maximum(gap, 1)).clip(0, 1)
    cavity = np.array([70.0, 26.0, 24.0], np.float32) * light
    colour = cavity * (0.35 + 0.5 * depth[..., None])
    # Tongue: a soft mound on the mouth's floor; its tip rises for t, d, n, l, th.
    across = np.clip(1 - np.square(t / 0.85), 0, 1)
    tongue_top = lower - (0.42 + 0.3 * lips.tongue) * gap * across**0.5
    on_tongue = np.clip((y - tongue_top) / (0.016 * unit), 0, 1) * (across > 0)
    tongue = np.array([172.0, 88.0, 84.0], np.float32) * light * (0.35 + 0.5 * depth[..., None])
    colour = colour + (tongue - colour) * on_tongue[..., None]
    colour = _teeth(rig, lips, colour, x, y, seam, light)
    # Shadow under the upper lip, towards the corners, and a wet rim above the lower lip.
    shadow = (1 - 0.55 * np.exp(-(y - upper).clip(min=0) / (0.009 * unit))) * (1 - 0.7 * np.clip(np.abs(t), 0, 1) ** 3)
    shadow = shadow * (1 - 0.4 * max(0.0, -lips.width))
    colour = colour * shadow[..., None]
    rim = np.exp(-np.square((lower - y).clip(min=0) / (0.008 * unit)))
    rim_up = 0.8 * np.exp(-np.square((y - upper).clip(min=0) / (0.005 * unit)))
    rim = np.maximum(rim, rim_up) * 0.75
    return np.asarray(colour + (rig.lip_colour * 0.62 - colour) * rim[..., None], dtype=np.float32)


def _teeth(
    rig: MouthRig, lips: Lips, colour: Float32, x: Float32, y: Float32, seam: Float32, light: np.float32
) -> Float32:
    """Upper teeth hang from the skull (they do not move with the lips), lower ones ride on the jaw."""
    import numpy as np

    unit = rig.face_height
    place = np.abs(x) / (0.031 * unit)  # in widths of a middle incisor
    gaps = np.minimum.reduce([np.abs(place - edge) for edge in (0.0, 1.0, 1.8, 2.65, 3.4)])
    rounding = 0.004 * unit * np.exp(-np.square(gaps / 0.16))
    level = 0.006 * unit * ((place > 1.0) & (place < 1.8)) + 0.0035 * unit * np.square(place / 2)
    bottom = seam + TEETH_BELOW_SEAM * unit - rounding - level
    ivory = np.array([206.0, 192.0, 174.0], np.float32) * light
    side = np.clip(1.06 - 0.085 * np.square(place), 0.12, 1)
    line = 1 - 0.3 * np.exp(-np.square(gaps / 0.07))
    mask = np.clip((bottom - y) / 1.5 + 0.5, 0, 1)
    tooth = ivory * (side * line)[..., None]
    colour = colour + (tooth - colour) * mask[..., None]
    # The lower row shows only when the mouth is well open.
    drop = (1 - UPPER_SHARE) * max(0.0, lips.opening) * WIDEST * unit
    narrow = np.abs(x) / (0.022 * unit)
    cracks = np.abs(narrow - np.rint(narrow))
    top = (
        seam
        + 0.9 * drop
        - 0.012 * unit
        + 0.002 * unit * np.square(narrow / 2)
        + 0.002 * unit * np.exp(-np.square(cracks / 0.15))
    )
    shown = np.clip((y - top) / 1.5, 0, 1) * np.clip((top - bottom) / (0.012 * unit), 0, 1)
    tooth = (
        ivory
        * (0.72 * np.clip(1.05 - 0.08 * np.square(narrow), 0.1, 1) * (1 - 0.3 * np.exp(-np.square(cracks / 0.1))))[
            ..., None
        ]
    )
    return np.asarray(colour + (tooth - colour) * shown[..., None], dtype=np.float32)
