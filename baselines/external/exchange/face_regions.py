"""Groups of face landmarks, and what is derived from them: lower-face masks and the placement of a foreign crop.

The 68 landmarks are those of the iBUG annotation (jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, lips 48-67; left and
right as seen in the frame). The 478 points of MediaPipe's face mesh contain none of them exactly; these are the
nearest by name and position.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.baselines.external.exchange.geometry import Placement, fit_similarity, invert
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import ClipError, Status

JAW = (162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389)
BROWS = (71, 63, 105, 66, 107, 336, 296, 334, 293, 301)
NOSE = (168, 197, 5, 4, 75, 97, 2, 326, 305)
EYE_LEFT = (33, 160, 158, 133, 153, 144)
EYE_RIGHT = (362, 385, 387, 263, 373, 380)
MOUTH = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87)

IBUG68 = (*JAW, *BROWS, *NOSE, *EYE_LEFT, *EYE_RIGHT, *MOUTH)
"""Index in the mesh of each of the 68 points, in their order."""
RIGID = (*BROWS, *NOSE, *EYE_LEFT, *EYE_RIGHT)
"""Points that speech hardly moves."""
OUTLINE = (
    *(234, 50, 36, 49, 45, 4, 275, 279, 266, 280, 454, 323, 361, 435, 288, 397, 365, 379, 378),
    *(400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93),
)
"""Outline of the lower face. The authors of StyleLipSync did not publish their mask; this polygon is the one that the
public copies of their code use: cheeks below the eyes, across the nose, along the jaw."""


def lower_face_masks(clip: PreparedClip, placement: Placement) -> Iterator[NDArray[np.uint8]]:
    """Masks of the lower face, which follow the true jaw as it opens.

    Yields:
        One chunk (1, size, size, 3) uint8 a frame: 255 within the outline, 0 elsewhere.
    """
    import cv2

    side = placement.given or clip.size
    for corners in placement.points(clip.faces.landmarks[:, list(OUTLINE), :2]):
        mask = np.zeros((side, side, 3), np.uint8)
        cv2.fillPoly(mask, [np.round(corners - 0.5).astype(np.int32)], (255, 255, 255))
        yield mask[None]


def placement_by_face(frame: NDArray[np.uint8], clip: PreparedClip) -> Placement:
    """Where the output of a program lies that crops in its own way, found from the face in its first frame.

    One similarity maps brows, eyes and nose onto those of the clip's first frame. It holds for the whole clip: after
    the first frame such models move heads freely.

    Args:
        frame: The program's first frame, (H, W, 3) uint8 RGB.
        clip: The clip that the output belongs to.

    Raises:
        ClipError: `bad_output`: no face is found.
    """
    from bench_lipsync.harness.faces.landmarker import Landmarker

    with Landmarker() as landmarker:
        faces = landmarker.faces(frame)
    if not faces:
        raise ClipError(Status.BAD_OUTPUT, "no face in the first frame, so its position in the clip is unknown")
    source = faces[0].landmarks[list(RIGID), :2].astype(np.float64)
    target = clip.faces.landmarks[0, list(RIGID), :2].astype(np.float64)
    height, width = frame.shape[:2]
    inward = np.repeat(invert(fit_similarity(source, target))[None], clip.frames, axis=0)
    return Placement(clip.size, inward, width, (0.0, 0.0, float(width), float(height)))
