"""Whose audio a clip gets when it must not be its own: the rule behind `shuffled-audio` and the `cross` protocol.

The next clip in id order (cyclic) of another identity that could be prepared, else just the next one that could. The
rule has no randomness, so it needs no seed and no stored list, and every part of a run finds the same donors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip


class Donors:
    """In which order clips are asked. `identities` of the clips sorted by id; linear in their number."""

    def __init__(self, identities: Sequence[str]) -> None:
        self._identities = identities
        count = len(identities)
        self._change = [count] * count
        """How many clips on the next one of another identity is; `count` if there is none."""
        for index in reversed(range(2 * count - 1)):
            here, there = index % count, (index + 1) % count
            changes = identities[here] != identities[there]
            self._change[here] = 1 if changes else min(self._change[there] + 1, count)

    def candidates(self, index: int) -> Iterator[int]:
        """Indexes of the clips to ask for clip `index`, best first: strangers, then all others."""
        yield from self._strangers(index)
        count = len(self._identities)
        # Strangers come again: by now every one of them has been asked in vain, which nobody needs to know here.
        yield from ((index + step) % count for step in range(1, count))

    def _strangers(self, index: int) -> Iterator[int]:
        count, own = len(self._identities), self._identities[index]
        step = self._change[index]
        while step < count:
            at = (index + step) % count
            yield at
            step += 1
            at = (at + 1) % count
            if self._identities[at] == own:
                step += self._change[at]


def assign_donors(clips: Sequence[PreparedClip]) -> dict[str, PreparedClip | None]:
    """For every clip id its donor among prepared `clips`; `None` where there is no other clip."""
    ordered = sorted(clips, key=lambda clip: clip.id)
    donors = Donors([clip.identity for clip in ordered])
    first = {clip.id: next(donors.candidates(index), None) for index, clip in enumerate(ordered)}
    return {clip: None if index is None else ordered[index] for clip, index in first.items()}


def fit_audio(audio: NDArray[np.int16], samples: int) -> NDArray[np.int16]:
    """`audio` cut to `samples`, or repeated from its beginning until it is that long."""
    if len(audio) == 0:
        raise ValueError("no samples to fit")
    return np.resize(audio, samples)
