"""The tone of a speaker: with `StyleLipSyncConfig.centred`, inputs are normalised by the speaker's median skin colour.

Ours; the published network sees colours as they are.
"""

from __future__ import annotations

from torch import Tensor

from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.vision.frames import hide
from bench_lipsync.models.vision.mouth import cut

_BLACK = -1.0


def tone_of(config: StyleLipSyncConfig, reference: Tensor, mouth: Tensor) -> Tensor:
    """What to subtract from all frames of a clip and to add to the output: (N, 3, 1, 1), zero if not `centred`.

    It is the median colour around the mouth, `mouth` (N, 3) as in `mouth_squares`, of the reference frames
    (N, 3, R, R) in [-1, 1]. A median, because lips and teeth must not move it.
    """
    if not config.centred:
        return reference.new_zeros(len(reference), 3, 1, 1)
    return cut(reference, mouth).flatten(2).median(dim=2).values[..., None, None]


def masked_input(config: StyleLipSyncConfig, frames: Tensor, keep: Tensor, tone: Tensor) -> Tensor:
    """What the face encoder gets: `frames` (..., 3, R, R) without `tone`, hidden where `keep` (..., 1, R, R) is 0.

    Hidden pixels are black, as published, or have the speaker's tone where colours are relative to it.
    """
    return hide(frames - tone, keep, 0.0 if config.centred else _BLACK)
