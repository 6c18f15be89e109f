"""`nearest-sound`: the clip's own mouths, put in another order, so that they were opened to a sound like the one heard.

No network and no training: what a dubbing model must beat to have learned anything about lips.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.baselines.nearest_sound.mouth_transplant import transplant
from bench_lipsync.baselines.nearest_sound.unit_selection import choose_units, default_gap, sound_features
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, ModelCard

_MAX_SOURCE = 2_000
"""Frames from the clip's beginning that may lend their mouth; bounds memory and time for long clips."""

_PER_DEGREE = 0.9
"""Of the head's turn, in units of sound: half the distance of unrelated sounds is ten degrees."""


class NearestSound:
    """Concatenates mouths as Video Rewrite did (Bregler et al., SIGGRAPH 1997), chosen by MFCC instead of triphones."""

    card = ModelCard(
        name="nearest-sound",
        kind="bound",
        description="each mouth is taken from the moment of the same clip that sounds most alike; where the clip's own"
        " audio is given, at least a second away (a quarter of a short clip)",
        gt_leak="true mouths, of other moments of the same clip; everything but the mouth",
    )

    def fingerprint(self) -> str:
        """Of the rule alone: there are no weights."""
        return f"nearest-sound-v1|{_MAX_SOURCE}"

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        """Frames of the clip with transplanted mouths."""
        own = clip.audio()
        turn = clip.faces.yaw_degrees()[:, None] * _PER_DEGREE
        heard = np.hstack([sound_features(audio, clip.frames), turn])
        spoken = np.hstack([sound_features(own, clip.frames), turn])[:_MAX_SOURCE]
        gap = default_gap(clip.frames) if np.array_equal(audio, own) else 0
        chosen = choose_units(heard, spoken, gap)
        points = clip.faces.landmarks
        start = 0
        for frames in clip.read_frames(chunk=context.batch_size):
            wanted = chosen[start : start + len(frames)]
            lent = _read(clip, wanted)
            places = range(start, start + len(frames))
            drawn = [
                transplant(frame, points[place], source, points[index])
                for frame, place, source, index in zip(frames, places, lent, wanted, strict=True)
            ]
            yield np.stack(drawn)
            start += len(frames)


def _read(clip: PreparedClip, wanted: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    """The frames `wanted`, read run by run."""
    read: list[NDArray[np.uint8]] = []
    ends = [*(np.flatnonzero(np.diff(wanted) != 1) + 1), len(wanted)]
    for begin, end in zip([0, *ends[:-1]], ends, strict=True):
        for chunk in clip.read_frames(int(wanted[begin]), int(wanted[end - 1]) + 1):
            read.extend(chunk)
    return read
