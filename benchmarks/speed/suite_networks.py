"""What the bare networks need to run over a model's output: frames in memory, networks as the suite runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.media import read_lossless
from bench_lipsync.harness.stages.stages import Generated
from bench_lipsync.metrics.lse.crop import crop_face, face_boxes
from bench_lipsync.models.syncnet.published.lips import LipNetwork
from bench_lipsync.models.syncnet.published.mfcc import mfcc, mfcc_windows
from bench_lipsync.models.syncnet.published.network import SyncNet
from benchmarks.speed.suite_tools import write_pngs


class Frames:
    """Everything in memory for the bare networks, and as PNG files for the other tools."""

    def __init__(self, clips: Sequence[PreparedClip], outputs: Sequence[Generated], folder: Path) -> None:
        self.truth = [np.concatenate(list(clip.read_frames())) for clip in clips]
        self.output = [np.concatenate(list(read_lossless(one.video))) for one in outputs]
        self.pngs = [
            write_pngs(np.concatenate(frames), folder / name)
            for name, frames in (("output", self.output), ("truth", self.truth))
        ]
        self.faces = [_faces(clip, frames) for clip, frames in zip(clips, self.output, strict=True)]
        self.sound = [torch.from_numpy(mfcc_windows(mfcc(clip.audio()), clip.frames - 4)) for clip in clips]


def _faces(clip: PreparedClip, frames: NDArray[np.uint8]) -> torch.Tensor:
    pairs = zip(frames, face_boxes(clip.faces.landmarks), strict=True)
    return torch.from_numpy(np.stack([crop_face(*pair) for pair in pairs])).permute(3, 0, 1, 2).float()


@dataclass(frozen=True)
class Networks:
    """The three networks, as published for the tools and as the suite runs them."""

    inception: torch.nn.Module
    folded: torch.nn.Module
    alex: torch.nn.Module
    sync: SyncNet
    lips: LipNetwork


@torch.inference_mode()
def bare_networks(frames: Frames, networks: Networks) -> None:
    """Forward passes of the suite's networks over one model's output, from memory, in the suite's batches."""
    for output, truth, faces, sound in zip(frames.output, frames.truth, frames.faces, frames.sound, strict=True):
        for start in range(0, len(output), 16):
            networks.folded(torch.from_numpy(output[start : start + 16]).permute(0, 3, 1, 2).float() / 255)
        for start in range(0, len(output), 8):
            pair = (torch.from_numpy(x[start : start + 8]).permute(0, 3, 1, 2) / 127.5 - 1 for x in (output, truth))
            networks.alex(*pair)
        for start in range(0, faces.shape[1] - 4, 4):
            networks.lips(faces[:, start : start + 8].permute(1, 2, 3, 0))
        for part in sound.split(20):
            networks.sync.embed_audio(part)
