"""Real images for the GAN: the frames of all clips as one flat array on disk that is mapped, not loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.training.clip_arrays import Arrays, ArrayType, arrays_folder, frame_chunks, load_clip_arrays
from bench_lipsync.models.vision.frames import resize

DATA_VERSION = "stylegan2-1"


def load_frames(clips: Sequence[PreparedClip], cache: Path, resolution: int) -> NDArray[np.uint8]:
    """Frames (N, R, R, 3) RGB of all `clips`, mapped from a folder of `cache` that is filled on first use.

    Raises `BenchError` without frames, and if the clips are smaller than `resolution`.
    """
    if not sum(clip.frames for clip in clips):
        raise BenchError(f"no frames to train on: {len(clips)} clips were given; choose another --dataset or --split")
    small = sorted(clip.id for clip in clips if clip.size < resolution)
    if small:
        raise BenchError(
            f"{len(small)} clips are prepared at {clips[0].size} px ({small[0]} first) and would have to be enlarged"
            f" to {resolution} px; train a preset of a lower resolution"
        )
    types = {"frames": ArrayType(np.uint8, (resolution, resolution, 3))}

    def fill(clip: PreparedClip, arrays: Arrays) -> None:
        for span, frames in frame_chunks(clip):
            arrays["frames"][span] = resize(frames, resolution)

    folder = arrays_folder(cache, clips, DATA_VERSION, str(resolution))
    return load_clip_arrays(clips, folder, types, fill, "frames").arrays["frames"]


def draw(frames: NDArray[np.uint8], count: int, rng: np.random.Generator, *, mirror: bool) -> Tensor:
    """`count` random images (count, 3, R, R) in [-1, 1], float32; with `mirror` half of them are mirrored."""
    chosen = rng.integers(0, len(frames), count)
    flipped = rng.random(count) < 0.5
    images = [frames[i][:, ::-1] if mirror and flip else frames[i] for i, flip in zip(chosen, flipped, strict=True)]
    stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    return stacked.float() / 127.5 - 1.0
