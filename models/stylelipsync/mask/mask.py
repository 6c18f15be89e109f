"""The pose-aware mask: the lower face, posed as in the frame, as large as a mouth that is wide open needs it.

It is drawn from the clip's neutral shape with a fixed jaw, so that its outline says nothing about the frame's own lips.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.models.stylelipsync.mask.face import NeutralFace, NeutralShape
from bench_lipsync.models.stylelipsync.mask.similarity import Points

SIZE = 256
"""Masks are drawn and softened at this side in pixels, whatever the model's resolution."""
JAW_OPEN_DEGREES = 28.0
"""Fixed opening of the second shape; ours (the published opened-mouth coefficients are not public)."""
LIPS_FORWARD = 0.08
"""How far lips and chin may come forward, in distances of the outer eye corners; ours."""
_DILATIONS = 9
_BLUR = 21
_SUBPIXEL_BITS = 4


def draw_masks(face: NeutralFace) -> NDArray[np.uint8]:
    """Masks (T, 256, 256), 255 where the lower face is, of a face posed in 256 px frames."""
    lower, vertices = _lower_triangles(face.shape), face.shape.vertices
    closed = face.poses.apply(vertices)[..., :2]
    opened = face.poses.apply(open_jaw(face.shape))[..., :2]
    # What jaw and lips pass on their way lies between the shapes: a notch in profile.
    mouth = vertices[:, 1] > face.shape.nose_base
    pouting = face.poses.apply(vertices[mouth] - [0, 0, LIPS_FORWARD])[..., :2]
    swept = np.concatenate([closed[:, mouth], opened[:, mouth], pouting], axis=1)
    return np.stack([_draw((closed[t][lower], opened[t][lower]), swept[t]) for t in range(face.frames)])


def landmark_masks(face: NeutralFace) -> NDArray[np.uint8]:
    """Masks (T, 256, 256) of the lower face as it is in every frame: they follow the true jaw and so give it away."""
    lower = _lower_triangles(face.shape)
    return np.stack([_draw((face.tracked.frame(t)[lower],)) for t in range(face.frames)])


def keep_planes(face: NeutralFace, kind: str, frames: int) -> NDArray[np.float32]:
    """What to keep of each of `frames` frames, (T, 256, 256) in [0, 1], for the configuration's `mask`.

    Raises `ValueError` for a kind that is none of `pose-aware`, `landmark`, `box` and `half-frame`.
    """
    if kind == "half-frame":
        return np.broadcast_to(soften(half_frame_mask()), (frames, SIZE, SIZE))
    drawers = {"pose-aware": draw_masks, "landmark": landmark_masks, "box": box_masks}
    if kind not in drawers:
        raise ValueError(f"mask must be {', '.join(drawers)} or half-frame, not {kind!r}")
    return np.stack([soften(mask) for mask in drawers[kind](face)])


def open_jaw(shape: NeutralShape) -> Points:
    """Vertices (N, 3) of `shape` with everything below the mouth corners turned down about the jaw joints."""
    angle = math.radians(JAW_OPEN_DEGREES)
    # About the x axis; y points down and z away from the camera, so this turns the chin down and back.
    rotation = np.array(
        [[1, 0, 0], [0, math.cos(angle), -math.sin(angle)], [0, math.sin(angle), math.cos(angle)]], np.float64
    )
    jaw = shape.vertices[:, 1] > shape.mouth
    return np.where(jaw[:, None], (shape.vertices - shape.jaw_joint) @ rotation.T + shape.jaw_joint, shape.vertices)


def soften(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What to keep of a frame, (256, 256) in [0, 1], by the published dilation and blur of a `mask` (256, 256)."""
    import cv2

    grown = cv2.dilate(mask, np.ones((3, 3), np.uint8), iterations=_DILATIONS)
    keep: NDArray[np.float32] = cv2.GaussianBlur(255 - grown, (_BLUR, _BLUR), 0).astype(np.float32) / 255.0
    return keep


def box_masks(face: NeutralFace) -> NDArray[np.uint8]:
    """Masks (T, 256, 256) of the lower half of each frame's face box, as Wav2Lip's: what the paper compares with.

    The box is that of the mesh as it was found in the frame, which reaches from the forehead to the chin.
    """
    masks = np.zeros((face.frames, SIZE, SIZE), np.uint8)
    for t, mask in enumerate(masks):
        points = face.tracked.frame(t)
        (left, top), (right, bottom) = (edge.round().astype(int) for edge in (points.min(axis=0), points.max(axis=0)))
        middle = (top + bottom) // 2
        mask[max(middle, 0) : max(bottom + 1, 0), max(left, 0) : max(right + 1, 0)] = 255
    return masks


def half_frame_mask() -> NDArray[np.uint8]:
    """The lower half of the frame, (256, 256)."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[SIZE // 2 :] = 255
    return mask


def _lower_triangles(shape: NeutralShape) -> NDArray[np.int32]:
    lower = shape.vertices[:, 1] > shape.top
    kept: NDArray[np.int32] = shape.triangles[lower[shape.triangles].all(axis=1)]
    return kept


def _draw(shapes: tuple[Points, ...], swept: Points | None = None) -> NDArray[np.uint8]:
    """Fill the union of triangles (F, 3, 2) of several shapes and the hull of `swept` (N, 2), then the holes in it."""
    import cv2

    mask = np.zeros((SIZE, SIZE), np.uint8)
    if swept is not None:
        cv2.fillConvexPoly(mask, cv2.convexHull(_fixed_point(swept)), 255, shift=_SUBPIXEL_BITS)
    for shape in shapes:
        for triangle in _fixed_point(shape):
            cv2.fillConvexPoly(mask, triangle, 255, shift=_SUBPIXEL_BITS)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(mask, contours, -1, 255, cv2.FILLED)
    return mask


def _fixed_point(points: Points) -> NDArray[np.int32]:
    return np.clip(np.round(points * (1 << _SUBPIXEL_BITS)), -(1 << 20), 1 << 20).astype(np.int32)
