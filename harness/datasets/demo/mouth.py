"""The talking mouth in the plane of the still: lips cut along their seam, jaw lowered, the inside painted between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bench_lipsync.harness.datasets.demo.mouth_rig import KNOTS, UPPER_SHARE, WIDEST, Lips, MouthRig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Field = NDArray[np.floating[Any]]


class Gap(NamedTuple):
    """The opening between the lips over (a part of) the rig's window; float (h, w) arrays in the rig's pixels."""

    x: Field
    y: Field
    t: Field
    """Place across the mouth: -1 and 1 at the corners."""
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


def open_gap(rig: MouthRig, lips: Lips, source_x: Field) -> Gap:
    """The gap that `lips` ask for; `source_x` (h, w) is where each column of the picture comes from."""
    import numpy as np

    t = source_x / rig.half_width
    power = 0.9 + 0.25 * min(0.0, lips.width)  # rounded lips have a rounder gap
    outline = np.asarray(np.clip(1 - np.square(t), 0, 1) ** power, dtype=np.float32)
    height = np.float32(max(0.0, lips.opening) * WIDEST * rig.face_height) * outline
    seam = rig.seam[np.rint((source_x - rig.knots[0]) * KNOTS).astype(np.intp).clip(0, len(rig.seam) - 1)]
    return Gap(rig.x, rig.y, t, seam, seam - UPPER_SHARE * height, seam + (1 - UPPER_SHARE) * height, height)


def articulate_mouth(still: NDArray[np.uint8], rig: MouthRig, lips: Lips) -> NDArray[np.uint8]:
    """A copy of `still` (H, W, 3) with the mouth as `lips` say; only the rig's window changes."""
    import cv2
    import numpy as np

    from bench_lipsync.harness.datasets.demo.mouth_inside import paint_inside

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
        skin[part] += (paint_inside(rig, lips, gap.part(*part)) - skin[part]) * inside[part][..., None]
    out = still.copy()
    out[rig.top : rig.bottom, rig.left : rig.right] = np.clip(np.rint(skin), 0, 255).astype(np.uint8)
    return out


def _smoothstep(x: Field) -> Field:
    x = x.clip(0, 1)
    return x * x * (3 - 2 * x)


def _lip_roll(rig: MouthRig, lips: Lips, distance: Field, t: Field) -> Field:
    """Extra distance from a lip's edge at which to look: pressing hides its inner part, rounding swells it."""
    import numpy as np

    amount = 0.3 * lips.press - 0.18 * max(0.0, -lips.width) * (1 - lips.press)
    felt = np.exp(-np.square(distance / (0.3 * rig.nose)) - np.square(np.square(t)))
    return np.asarray(amount * distance * felt, dtype=np.float32)


def _upper_source(rig: MouthRig, lips: Lips, gap: Gap) -> Field:
    """Rows to look up above the gap: the upper lip rises, fading out towards the nose."""
    distance = (gap.upper - gap.y).clip(min=0)
    raised = UPPER_SHARE * gap.height * (1 - _smoothstep(distance / rig.nose))
    return gap.y + raised - _lip_roll(rig, lips, distance, gap.t)


def _lower_source(rig: MouthRig, lips: Lips, gap: Gap) -> Field:
    """Rows to look up below the gap: lip and chin sink with the jaw, fading out in cheeks and neck."""
    import numpy as np

    y, t = gap.y, gap.t
    distance = (y - gap.lower).clip(min=0)
    drop = (1 - UPPER_SHARE) * max(0.0, lips.opening) * WIDEST * rig.face_height
    jaw = np.float32(0.8 * drop) * rig.jaw
    rises = _smoothstep(distance / (0.9 * rig.chin))
    below_chin = 1 - _smoothstep((y - rig.chin - 0.8 * drop) / (0.7 * rig.chin))
    lowered = (1 - UPPER_SHARE) * gap.height * (1 - rises) + jaw * rises * below_chin
    source = y - lowered + _lip_roll(rig, lips, distance, t)
    if lips.tuck > 0:  # the lip's upper part goes under the teeth
        felt = np.exp(-distance / (0.35 * rig.nose) - np.square(np.square(t))) * np.clip(1 - t * t, 0, 1)
        source = source + lips.tuck * 0.2 * rig.nose * felt
    return np.asarray(source, dtype=np.float32)
