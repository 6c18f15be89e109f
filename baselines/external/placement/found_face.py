"""Where the picture of a program lies that cuts it in its own way: the face in it tells.

Brows, eyes and nose of its first picture are brought onto those of the clip's first frame by one similarity, which
holds for the whole clip: from then on such models move heads as they like.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.baselines.external.inputs.points import BROWS, EYE_LEFT, EYE_RIGHT, NOSE
from bench_lipsync.baselines.external.placement.alignment import fit_similarity
from bench_lipsync.baselines.external.placement.geometry import Placement, invert
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import ClipError, Status

STEADY = (*BROWS, *NOSE, *EYE_LEFT, *EYE_RIGHT)
"""Points that speech hardly moves."""


def placement_by_face(picture: NDArray[np.uint8], clip: PreparedClip) -> Placement:
    """The placement of a program whose first picture (H, W, 3) is `picture`.

    Raises `ClipError` (`bad_output`) where no face is found in it.
    """
    from bench_lipsync.harness.faces.landmarker import Landmarker

    with Landmarker() as landmarker:
        faces = landmarker.faces(picture)
    if not faces:
        raise ClipError(Status.BAD_OUTPUT, "no face in the first picture, so where it lies in the clip is not known")
    theirs = faces[0].landmarks[list(STEADY), :2].astype(np.float64)
    ours = clip.faces.landmarks[0, list(STEADY), :2].astype(np.float64)
    height, width = picture.shape[:2]
    inward = np.repeat(invert(fit_similarity(theirs, ours))[None], clip.frames, axis=0)
    return Placement(clip.size, inward, width, (0.0, 0.0, float(width), float(height)))
