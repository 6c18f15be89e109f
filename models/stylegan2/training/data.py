"""Real pictures for the GAN: the frames of all clips as one flat array on disk that is mapped, not loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util import progress

DATA_VERSION = "1"


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
    parts = [DATA_VERSION, str(resolution), *(clip.content_hash for clip in clips)]
    path = cache / f"frames-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:16]}.npy"
    if not path.is_file():
        _build(clips, path, resolution)
    frames: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return frames


def _build(clips: Sequence[PreparedClip], path: Path, resolution: int) -> None:
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    total = sum(clip.frames for clip in clips)
    frames = open_memmap(partial, mode="w+", dtype=np.uint8, shape=(total, resolution, resolution, 3))
    done = 0
    for clip in progress.each("frames", clips):
        for chunk in clip.read_frames(chunk=64):
            for frame in chunk:
                frames[done] = cv2.resize(frame, (resolution, resolution), interpolation=cv2.INTER_AREA)
                done += 1
    if done != total:
        raise BenchError(f"the clips hold {done} frames where {total} were announced; prepare them again")
    frames.flush()
    partial.replace(path)


def draw(frames: NDArray[np.uint8], count: int, rng: np.random.Generator, *, mirror: bool) -> Tensor:
    """`count` random pictures (count, 3, R, R) in [-1, 1], float32; with `mirror` half of them are mirrored."""
    chosen = rng.integers(0, len(frames), count)
    flipped = rng.random(count) < 0.5
    pictures = [frames[i][:, ::-1] if mirror and flip else frames[i] for i, flip in zip(chosen, flipped, strict=True)]
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return stacked.float() / 127.5 - 1.0
