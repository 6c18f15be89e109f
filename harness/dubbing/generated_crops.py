"""Generated frames, one by one, each with how much of it is to be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, LipSyncModel
from bench_lipsync.harness.dubbing.compositing import border_weight, weight_of
from bench_lipsync.harness.dubbing.footage import SIZE
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.stages.generate_frames import frames_of

Keep = Callable[[PreparedClip, int, int], NDArray[np.float32]]


class Lips(NamedTuple):
    """A generated frame."""

    number: int
    crop: NDArray[np.uint8]
    """(256, 256, 3) RGB"""
    weight: NDArray[np.float32]
    """(256, 256) how much of it to take"""


def lips(model: LipSyncModel, clip: PreparedClip, context: GenerateContext) -> Iterator[Lips]:
    """The frames that `model` makes of `clip`, each with the weight to paste it with.

    Asks the model's optional method `keep(clip, start, stop)` for the (n, 256, 256) float32 planes of what it leaves as
    it was; a model without one is pasted as a whole, with a soft border. Raises `ClipError` (`bad_output`,
    `model_failed`), `TooLargeError`.
    """
    keep: Keep | None = getattr(model, "keep", None)
    border = border_weight(SIZE)
    index = 0
    with closing(frames_of(model, clip, clip.audio(), context)) as chunks:
        for chunk in chunks:
            stop = index + len(chunk)
            if chunk.dtype != np.uint8 or chunk.shape[1:] != (SIZE, SIZE, 3) or stop > clip.frames:
                reason = (
                    f"{model.card.name} gave frames {index} to {stop} of {clip.frames} as {chunk.dtype} {chunk.shape}"
                )
                raise ClipError(Status.BAD_OUTPUT, reason)
            planes = None if keep is None else keep(clip, index, stop)
            for offset, crop in enumerate(chunk):
                yield Lips(index + offset, crop, border if planes is None else weight_of(planes[offset]))
            index = stop
    if index != clip.frames:
        raise ClipError(Status.BAD_OUTPUT, f"{model.card.name} gave {index} of {clip.frames} frames")
