"""Generated frames, one by one, with their blending weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, LipSyncModel, MaskedModel
from bench_lipsync.harness.dubbing.compositing import border_weight, weight_of
from bench_lipsync.harness.dubbing.footage import SIZE
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.stages.generate_frames import frames_of


class GeneratedCrop(NamedTuple):
    """A generated frame."""

    number: int
    pixels: NDArray[np.uint8]
    """(256, 256, 3) RGB."""
    weight: NDArray[np.float32]
    """(256, 256) 0 to 1."""


def generated_crops(model: LipSyncModel, clip: PreparedClip, context: GenerateContext) -> Iterator[GeneratedCrop]:
    """The frames that a model generates for a clip, driven by the clip's audio.

    The weights come from the `keep` of a `MaskedModel`; other models are composited in full, with a soft border.

    Raises:
        ClipError: `bad_output` or `model_failed`.
        TooLargeError: The batch does not fit into memory.
    """
    border = border_weight(SIZE)
    index = 0
    with closing(frames_of(model, clip, clip.audio(), context)) as chunks:
        for chunk in chunks:
            stop = index + len(chunk)
            if chunk.dtype != np.uint8 or chunk.shape[1:] != (SIZE, SIZE, 3) or stop > clip.frames:
                described = f"frames {index} to {stop} of {clip.frames}"
                raise ClipError(Status.BAD_OUTPUT, f"{model.card.name} gave {described} as {chunk.dtype} {chunk.shape}")
            keep = model.keep(clip, index, stop) if isinstance(model, MaskedModel) else None
            for offset, pixels in enumerate(chunk):
                yield GeneratedCrop(index + offset, pixels, border if keep is None else weight_of(keep[offset]))
            index = stop
    if index != clip.frames:
        raise ClipError(Status.BAD_OUTPUT, f"{model.card.name} gave {index} of {clip.frames} frames")
