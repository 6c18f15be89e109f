"""Whose audio a clip gets when it must not be its own: the rule behind `shuffled-audio` and the `cross` protocol."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.clip import PreparedClip


def assign_donors(clips: Sequence[PreparedClip]) -> dict[str, PreparedClip | None]:
    """For every clip id the next clip in id order (cyclic) of another identity, else just the next clip.

    `None` where there is no other clip. The rule has no randomness, so it needs no seed and no stored list.
    """
    ordered = sorted(clips, key=lambda clip: clip.id)
    donors: dict[str, PreparedClip | None] = {}
    for index, clip in enumerate(ordered):
        others = ordered[index + 1 :] + ordered[:index]
        stranger = next((other for other in others if other.identity != clip.identity), None)
        donors[clip.id] = stranger or (others[0] if others else None)
    return donors


def fit_audio(audio: NDArray[np.int16], samples: int) -> NDArray[np.int16]:
    """`audio` cut to `samples`, or repeated from its beginning until it is that long."""
    if len(audio) == 0:
        raise ValueError("no samples to fit")
    return np.resize(audio, samples)
