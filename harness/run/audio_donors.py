"""Which audio drives a model and which its output is scored against: the `shuffled-audio` row and the `cross` protocol.

Where a run names pairs of video and audio, the named audio drives. Else a clip's audio is that of its donor: the next
clip in id order (cyclic) of another identity that could be prepared, else the next one that could. The rule has no
randomness, so it needs no seed and no stored list, and all shards of a run find the same donors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.api.model import ModelCard
from bench_lipsync.harness.errors import ClipError, Status


class Donors:
    """The order in which clips are tried as donors; `identities` are those of the clips sorted by id.

    Takes time linear in the number of clips.
    """

    def __init__(self, identities: Sequence[str]) -> None:
        self._identities = identities
        count = len(identities)
        self._change = [count] * count
        """Distance to the next clip of another identity; `count` if there is none."""
        for index in reversed(range(2 * count - 1)):
            here, there = index % count, (index + 1) % count
            changes = identities[here] != identities[there]
            self._change[here] = 1 if changes else min(self._change[there] + 1, count)

    def candidates(self, index: int) -> Iterator[int]:
        """Indexes of the candidates for clip `index`, best first: other identities, then all other clips."""
        yield from self._other_identities(index)
        count = len(self._identities)
        # Candidates of other identities are yielded twice; that is harmless because they have already failed.
        yield from ((index + step) % count for step in range(1, count))

    def _other_identities(self, index: int) -> Iterator[int]:
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


class RowAudio(NamedTuple):
    """The audio of one row on one clip, each int16 of shape (frames * 640,)."""

    driving: NDArray[np.int16]
    """What the model is driven by."""
    reference: NDArray[np.int16]
    """What its lips are scored against."""


def row_audio(card: ModelCard, clip: PreparedClip, donor: NDArray[np.int16] | None, *, cross: bool) -> RowAudio:
    """The audio of a row on `clip`: the clip's own, or the samples of `donor`.

    Raises:
        ClipError: `no_audio`, if the row needs a donor and there is none.

    """
    own = clip.audio()
    if not needs_donor(card, cross=cross):
        return RowAudio(own, own)
    if donor is None:
        raise ClipError(Status.NO_AUDIO, "no other clip in this run whose audio could be used")
    foreign = fit_audio(donor, clip.frames * SAMPLES_PER_FRAME)
    return RowAudio(foreign if _driven_by_donor(card, cross) else own, foreign)


def needs_donor(card: ModelCard, *, cross: bool) -> bool:
    """Whether the row of a model with this card uses another clip's audio."""
    return _driven_by_donor(card, cross) or card.scores_audio == "shuffled"


def _driven_by_donor(card: ModelCard, cross: bool) -> bool:
    return cross and card.name != "ground-truth"
