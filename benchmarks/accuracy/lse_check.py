"""Does a sync scorer measure synchrony? Shift the sound and see whether the reading moves by as much.

Offsets of real footage are rarely known to the frame, but a shift that we make ourselves is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.api.metric import Scorer

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class SyncCheck:
    """What a scorer says of one clip with its own sound, with its sound shifted, and with another clip's sound."""

    clip: str
    frames: int
    offset: int
    """Reading with the clip's own sound."""
    confidence: float
    """LSE-C with the clip's own sound."""
    distance: float
    """LSE-D with the clip's own sound."""
    moved: dict[int, int]
    """By how much the reading moved for a sound made k frames earlier; k itself where the scorer measures synchrony."""
    stranger_confidence: float
    """LSE-C with another clip's sound."""
    stranger_distance: float
    """LSE-D with another clip's sound."""

    @property
    def consistent(self) -> bool:
        """Whether every reading moved as far as the sound did, give or take a frame."""
        return all(abs(moved - shift) <= 1 for shift, moved in self.moved.items())


def check_clips(scorer: Scorer, clips: Sequence[PreparedClip], shifts: Sequence[int] = (-5, 5)) -> Iterator[SyncCheck]:
    """Check every clip; the stranger's sound is the next clip's, from its beginning, repeated where it is too short."""
    for index, clip in enumerate(clips):
        own = clip.audio()
        stranger = np.resize(clips[(index + 1) % len(clips)].audio(), own.shape)
        plain, other = _read(scorer, clip, own), _read(scorer, clip, stranger)
        moved = {}
        for shift in shifts:
            shifted = _read(scorer, clip, np.roll(own, -shift * SAMPLES_PER_FRAME))
            moved[shift] = round(shifted["AV-offset"] - plain["AV-offset"])
        yield SyncCheck(
            clip=clip.id,
            frames=clip.frames,
            offset=round(plain["AV-offset"]),
            confidence=plain["LSE-C"],
            distance=plain["LSE-D"],
            moved=moved,
            stranger_confidence=other["LSE-C"],
            stranger_distance=other["LSE-D"],
        )


def _read(scorer: Scorer, clip: PreparedClip, audio: NDArray[np.int16]) -> dict[str, float]:
    """The scorer's values for the clip's own frames, by metric name. Raises `ClipError`."""
    scoring = scorer.open(clip)
    for frames in clip.read_frames():
        scoring.update(frames, frames)
    values = scoring.compute(audio).values
    return {info.name: values[info.column] for info in scorer.metrics}
