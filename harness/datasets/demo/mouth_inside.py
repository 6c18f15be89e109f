"""What shows between open lips: cavity, tongue, two rows of teeth, shadows and the lips' wet rim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench_lipsync.harness.datasets.demo.mouth_rig import UPPER_SHARE, WIDEST, Lips, MouthRig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench_lipsync.harness.datasets.demo.mouth import Gap

    Field = NDArray[np.floating[Any]]

CAVITY, TONGUE, IVORY = (70.0, 26.0, 24.0), (172.0, 88.0, 84.0), (206.0, 192.0, 174.0)
"""RGB under full light."""
TEETH_BELOW_SEAM = 0.014
"""How far the upper teeth reach below the closed lips' seam, as a part of the face's height."""
INCISOR, LOWER_TOOTH = 0.031, 0.022
"""Widths of a middle upper tooth and of a lower one, as parts of the face's height."""
TOOTH_EDGES = (0.0, 1.0, 1.8, 2.65, 3.4)
"""Where one upper tooth ends and the next begins, in widths of a middle incisor from the middle."""


def paint_inside(rig: MouthRig, lips: Lips, gap: Gap) -> Field:
    """RGB float32 (h, w, 3), 0..255, of the mouth's inside over `gap`'s part of the window."""
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
    """Upper teeth hang from the skull and do not move with the lips. Returns their lower edge and the new colour."""
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
    """Lower teeth ride on the jaw, `drop` pixels down, and show only well below the upper row's edge `bottom`."""
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
