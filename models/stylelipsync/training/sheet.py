"""Contact sheets: a few validation samples as truth, masked input, reference and output, to look at while training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.network.tone import masked_input, tone_of
from bench_lipsync.models.stylelipsync.training.batches import window
from bench_lipsync.models.stylelipsync.training.data import TrainingData
from bench_lipsync.models.vision.frames import hide, to_uint8
from bench_lipsync.models.vision.mouth import cut

ROWS = 6
_CONTEXT = 3


@torch.inference_mode()
def write_sheet(path: Path, net: StyleLipSyncNet, data: TrainingData, device: str = "cpu") -> None:
    """One row a sample: truth, masked, reference, output; then the mouth of truth and output. PNG."""
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [_row(net, data, start, reference, device) for start, reference in _positions(data)]
    cv2.imwrite(str(path), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))


def _positions(data: TrainingData) -> list[tuple[int, int]]:
    """First frame of every sample and its reference (the clip's first frame), spread over clips and time."""
    positions = []
    for index in range(ROWS):
        clip = data.clips[index * len(data.clips) // ROWS]
        last = clip.frames - 2 * _CONTEXT - 1
        positions.append((clip.start + last * (index + 1) // (ROWS + 1), clip.start))
    return positions


def _row(net: StyleLipSyncNet, data: TrainingData, start: int, reference: int, device: str) -> NDArray[np.uint8]:
    sample = window(data, start, 2 * _CONTEXT + 1, reference)
    masked = hide(sample.frames, sample.keep)
    tone = tone_of(net.config, sample.reference[None], sample.reference_mouth[None])
    inputs = masked_input(net.config, sample.frames, sample.keep, tone)
    parts = (part[None].to(device) for part in (inputs, sample.mel, sample.reference - tone[0]))
    output = net(*parts)[0].cpu() + tone
    output = output + (sample.frames - output) * sample.keep
    middle = slice(_CONTEXT, _CONTEXT + 1)
    truth, made, mouth = sample.frames[middle], output[middle], sample.mouth[middle]
    size = truth.shape[-1]
    mouths = (torch.nn.functional.interpolate(cut(image, mouth), size=size) for image in (truth, made))
    images = (truth, masked[middle], sample.reference[None], made, *mouths)
    return np.hstack([to_uint8(image)[0] for image in images])
