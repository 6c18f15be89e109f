"""Animates the mouth of a portrait in its own plane: lips cut along their seam, jaw lowered, mouth interior painted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench_lipsync.harness.datasets.demo.geometry import smoothstep
from bench_lipsync.harness.datasets.demo.mouth_rig import KNOTS, UPPER_SHARE, WIDEST, Gap, Lips, MouthRig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Field = NDArray[np.floating[Any]]


CAVITY, TONGUE, IVORY = (70.0, 26.0, 24.0), (172.0, 88.0, 84.0), (206.0, 192.0, 174.0)
"""RGB under full light."""
TEETH_BELOW_SEAM = 0.014
"""Extent of the upper teeth below the closed lips' seam, relative to the face height."""
INCISOR, LOWER_TOOTH = 0.031, 0.022
"""Widths of a central upper tooth and of a lower one, relative to the face height."""
TOOTH_EDGES = (0.0, 1.0, 1.8, 2.65, 3.4)
"""Boundaries between upper teeth, in incisor widths from the middle."""


def open_gap(rig: MouthRig, lips: Lips, source_x: Field) -> Gap:
    """The gap for `lips`; `source_x` (h, w) are the source columns of the warp."""
    import numpy as np

    t = source_x / rig.half_width
    power = 0.9 + 0.25 * min(0.0, lips.width)  # rounded lips have a rounder gap
    outline = np.asarray(np.clip(1 - np.square(t), 0, 1) ** power, dtype=np.float32)
    height = np.float32(max(0.0, lips.opening) * WIDEST * rig.face_height) * outline
    seam = rig.seam[np.rint((source_x - rig.knots[0]) * KNOTS).astype(np.intp).clip(0, len(rig.seam) - 1)]
    return Gap(rig.x, rig.y, t, seam, seam - UPPER_SHARE * height, seam + (1 - UPPER_SHARE) * height, height)


def articulate_mouth(still: NDArray[np.uint8], rig: MouthRig, lips: Lips) -> NDArray[np.uint8]:
    """A copy of `still` (H, W, 3) with the mouth in the shape of `lips`; only the rig's window changes."""
    import cv2
    import numpy as np

    x, y = rig.x, rig.y
    factor = 1 + (0.1 * lips.width if lips.width > 0 else 0.3 * lips.width)
    source_x = x * (1 + np.float32(1 / factor - 1) * rig.near)
    gap = open_gap(rig, lips, source_x)
    above = y < (gap.upper + gap.lower) / 2
    source_y = np.where(above, _upper_source(rig, lips, gap), _lower_source(rig, lips, gap))
    window = still[rig.top : rig.bottom, rig.left : rig.right]
    maps = [(source_x - x[0, 0]).astype(np.float32), (source_y - y[0, 0]).astype(np.float32)]
    skin = cv2.remap(window, maps[0], maps[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    # Edges of the gap are antialiased over one pixel.
    inside = np.clip(np.minimum(y - gap.upper, gap.lower - y) + 0.5, 0, 1) * np.clip(gap.height, 0, 1)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if len(rows):
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        skin[part] += (_paint_inside(rig, lips, gap.part(*part)) - skin[part]) * inside[part][..., None]
    out = still.copy()
    out[rig.top : rig.bottom, rig.left : rig.right] = np.clip(np.rint(skin), 0, 255).astype(np.uint8)
    return out


def _lip_roll(rig: MouthRig, lips: Lips, distance: Field, t: Field) -> Field:
    """Offset of the source row by the distance from a lip's edge: pressing hides the inner part, rounding swells it."""
    import numpy as np

    amount = 0.3 * lips.press - 0.18 * max(0.0, -lips.width) * (1 - lips.press)
    weight = np.exp(-np.square(distance / (0.3 * rig.nose)) - np.square(np.square(t)))
    return np.asarray(amount * distance * weight, dtype=np.float32)


def _upper_source(rig: MouthRig, lips: Lips, gap: Gap) -> Field:
    """Source rows above the gap: the upper lip rises, fading out towards the nose."""
    distance = (gap.upper - gap.y).clip(min=0)
    raised = UPPER_SHARE * gap.height * (1 - smoothstep(distance / rig.nose))
    return gap.y + raised - _lip_roll(rig, lips, distance, gap.t)


def _lower_source(rig: MouthRig, lips: Lips, gap: Gap) -> Field:
    """Source rows below the gap: lip and chin move down with the jaw, fading out in cheeks and neck."""
    import numpy as np

    y, t = gap.y, gap.t
    distance = (y - gap.lower).clip(min=0)
    drop = (1 - UPPER_SHARE) * max(0.0, lips.opening) * WIDEST * rig.face_height
    jaw = np.float32(0.8 * drop) * rig.jaw
    rises = smoothstep(distance / (0.9 * rig.chin))
    below_chin = 1 - smoothstep((y - rig.chin - 0.8 * drop) / (0.7 * rig.chin))
    lowered = (1 - UPPER_SHARE) * gap.height * (1 - rises) + jaw * rises * below_chin
    source = y - lowered + _lip_roll(rig, lips, distance, t)
    if lips.tuck > 0:  # the lip's upper part goes under the teeth
        weight = np.exp(-distance / (0.35 * rig.nose) - np.square(np.square(t))) * np.clip(1 - t * t, 0, 1)
        source = source + lips.tuck * 0.2 * rig.nose * weight
    return np.asarray(source, dtype=np.float32)


def _paint_inside(rig: MouthRig, lips: Lips, gap: Gap) -> Field:
    """RGB float32 (h, w, 3), 0..255, of the mouth interior: cavity, tongue, teeth, shadows, wet rim of the lips."""
    import numpy as np

    unit, y, t = rig.face_height, gap.y, gap.t
    light = np.float32(0.45 + 0.75 * rig.light)
    depth = ((y - gap.upper) / np.maximum(gap.height, 1)).clip(0, 1)
    cavity = np.array(CAVITY, np.float32) * light
    colour: Field = cavity * (0.35 + 0.5 * depth[..., None])
    # Tongue: a soft mound on the mouth's floor; its tip rises for t, d, n, l, th.
    across = np.clip(1 - np.square(t / 0.85), 0, 1)
    tongue_top = gap.lower - (0.42 + 0.3 * lips.tongue) * gap.height * across**0.5
    on_tongue = np.clip((y - tongue_top) / (0.016 * unit), 0, 1) * (across > 0)
    tongue = np.array(TONGUE, np.float32) * light * (0.35 + 0.5 * depth[..., None])
    colour = colour + (tongue - colour) * on_tongue[..., None]
    bottom, colour = _upper_teeth(rig, gap, colour, light)
    drop = (1 - UPPER_SHARE) * max(0.0, lips.opening) * WIDEST * unit
    colour = _lower_teeth(rig, gap, bottom, colour, drop=drop, light=light)
    # Shadow under the upper lip and towards the corners, and the lips' wet rim.
    under = 1 - 0.55 * np.exp(-(y - gap.upper).clip(min=0) / (0.009 * unit))
    shadow = under * (1 - 0.7 * np.clip(np.abs(t), 0, 1) ** 3)
    shadow = shadow * (1 - 0.4 * max(0.0, -lips.width))
    colour = colour * shadow[..., None]
    rim_low = np.exp(-np.square((gap.lower - y).clip(min=0) / (0.008 * unit)))
    rim_up = 0.8 * np.exp(-np.square((y - gap.upper).clip(min=0) / (0.005 * unit)))
    rim = np.maximum(rim_low, rim_up) * 0.75
    return np.asarray(colour + (rig.lip_colour * 0.62 - colour) * rim[..., None], dtype=np.float32)


def _upper_teeth(rig: MouthRig, gap: Gap, colour: Field, light: np.float32) -> tuple[Field, Field]:
    """Paint the upper teeth, which do not move with the lips. Returns their lower edge and the new colour."""
    import numpy as np

    unit = rig.face_height
    place = np.abs(gap.x) / (INCISOR * unit)
    gaps = np.minimum.reduce([np.abs(place - edge) for edge in TOOTH_EDGES])
    rounding = 0.004 * unit * np.exp(-np.square(gaps / 0.16))
    level = 0.006 * unit * ((place > 1.0) & (place < 1.8)) + 0.0035 * unit * np.square(place / 2)
    bottom = gap.seam + TEETH_BELOW_SEAM * unit - rounding - level
    side = np.clip(1.06 - 0.085 * np.square(place), 0.12, 1)
    line = 1 - 0.3 * np.exp(-np.square(gaps / 0.07))
    mask = np.clip((bottom - gap.y) / 1.5 + 0.5, 0, 1)
    tooth = np.array(IVORY, np.float32) * light * (side * line)[..., None]
    return bottom, colour + (tooth - colour) * mask[..., None]


def _lower_teeth(rig: MouthRig, gap: Gap, bottom: Field, colour: Field, *, drop: float, light: np.float32) -> Field:
    """Paint the lower teeth, `drop` pixels down with the jaw; hidden by the upper ones, whose edge is `bottom`."""
    import numpy as np

    unit = rig.face_height
    place = np.abs(gap.x) / (LOWER_TOOTH * unit)
    cracks = np.abs(place - np.rint(place))
    shape = 0.002 * unit * np.square(place / 2) + 0.002 * unit * np.exp(-np.square(cracks / 0.15))
    top = gap.seam + 0.9 * drop - 0.012 * unit + shape
    shown = np.clip((gap.y - top) / 1.5, 0, 1) * np.clip((top - bottom) / (0.012 * unit), 0, 1)
    side = 0.72 * np.clip(1.05 - 0.08 * np.square(place), 0.1, 1)
    tooth = np.array(IVORY, np.float32) * light * (side * (1 - 0.3 * np.exp(-np.square(cracks / 0.1))))[..., None]
    return np.asarray(colour + (tooth - colour) * shown[..., None], dtype=np.float32)
