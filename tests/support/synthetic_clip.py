"""A prepared clip of noise in memory, with a synthetic face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filmed_heads import film

from bench_lipsync.harness.api.clip import PreparedClip

SIZE, FRAMES = 64, 11


@dataclass(frozen=True)
class Faces:
    landmarks: np.ndarray


class SyntheticClip(PreparedClip):
    """A prepared clip that lies in memory instead of in files."""

    @property
    def pixels(self) -> np.ndarray:
        return np.random.default_rng(0).integers(0, 256, (self.frames, SIZE, SIZE, 3), np.uint8)

    def read_frames(self, start: int = 0, stop: int | None = None, chunk: int = 32):
        frames = self.pixels[start:stop]
        yield from (frames[i : i + chunk] for i in range(0, len(frames), chunk))

    @property
    def faces(self) -> Faces:
        return Faces(film(np.zeros(self.frames), np.linspace(-10, 10, self.frames), SIZE))


def synthetic(frames: int = FRAMES) -> SyntheticClip:
    return SyntheticClip("c", "c", Path("nowhere"), {"frames": frames, "size": SIZE})


def sound(seed: int, frames: int = FRAMES) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9000, 9000, 640 * frames).astype(np.int16)
