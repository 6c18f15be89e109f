"""The poses of a clip without what the lips put into them; ours.

MediaPipe regresses all its points from the whole face, so an opening jaw moves even the points that no jaw can move:
fitted poses nod by half a degree, and grow by a quarter of a percent, for every tenth of the eyes' distance that the
lips part (measured). The turn of the head and its place in the image do not follow the lips. Hence yaw, roll and
translation are followed as they were found, while nod and size change slowly and without the lips' share.
"""

from __future__ import annotations

import numpy as np

from bench_lipsync.models.stylelipsync.mask.similarity import Points, Similarity

SIZE_SECONDS = 1.0
"""Standard deviation of the Gaussian over the head's size: heads do not come nearer at the rate of syllables."""
NOD_SECONDS = 0.6
TURN_SECONDS = 0.04
PLACE_SECONDS = 0.02
_FPS = 25
_SYLLABLES_SECONDS = 0.25
"""What changes faster than this is taken for articulation when the lips' share is estimated."""
_DOUBT = 0.02
"""Added to the lips' energy in that estimate, so that nothing is inferred from lips that hardly move."""


def steady(poses: Similarity, opening: Points, anchor: Points) -> Similarity:
    """`poses` of a clip's T frames with nod and size freed of the lips' `opening` (T,).

    `anchor` (3,) is the point of the face that stays where the poses have it.
    """
    from scipy.spatial.transform import Rotation

    # Yaw outermost: nod is then measured about the head's own axis, however far it is turned.
    yaw, nod, roll = np.unwrap(Rotation.from_matrix(poses.rotation).as_euler("YXZ"), axis=0).T
    yaw, roll = _smooth(yaw, TURN_SECONDS), _smooth(roll, TURN_SECONDS)
    nod = _smooth(_without_lips(nod, opening), NOD_SECONDS)
    size = np.exp(_smooth(_without_lips(np.log(poses.scale), opening), SIZE_SECONDS))
    rotation = Rotation.from_euler("YXZ", np.stack([yaw, nod, roll], axis=1)).as_matrix()
    place = _smooth(poses.apply(anchor[None])[:, 0], PLACE_SECONDS)
    return Similarity(size, rotation, place - size[:, None] * (rotation @ anchor))


def _smooth(values: Points, seconds: float) -> Points:
    from scipy.ndimage import gaussian_filter1d

    smoothed: Points = gaussian_filter1d(values, seconds * _FPS, axis=0, mode="nearest")
    return smoothed


def _without_lips(values: Points, opening: Points) -> Points:
    """Take out what moves with the lips: their share is estimated at the rate of syllables and holds at every rate."""
    fast = opening - _smooth(opening, _SYLLABLES_SECONDS)
    share = (values - _smooth(values, _SYLLABLES_SECONDS)) @ fast / (fast @ fast + _DOUBT)
    cleaned: Points = values - share * (opening - opening.mean())
    return cleaned
