"""The clips that memory is measured with: as long as asked for, and scored without a failure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.faces.track import FaceTrack
from bench_lipsync.harness.media import LosslessWriter, write_wav
from benchmarks.cost.memory import measure, repeated


@pytest.fixture
def clip(tmp_path: Path) -> PreparedClip:
    folder = tmp_path / "clip"
    folder.mkdir()
    rng = np.random.default_rng(0)
    with LosslessWriter(folder / "video.mkv", 64, 64) as writer:
        writer.write(rng.integers(0, 256, (10, 64, 64, 3), np.uint8))
    write_wav(folder / "audio.wav", rng.integers(-99, 99, 10 * SAMPLES_PER_FRAME, np.int16))
    FaceTrack(
        landmarks=rng.random((10, 478, 3)).astype(np.float32),
        pose=np.zeros((10, 4, 4), np.float32),
        blendshapes=np.zeros((10, 52), np.float32),
        affine=np.zeros((10, 2, 3)),
        detected=np.ones(10, np.bool_),
    ).save(folder / "faces.npz")
    return PreparedClip("a", "b", folder, {"id": "a", "identity": "b", "frames": 10, "size": 64, "content_hash": "c"})


@pytest.mark.parametrize("frames", [7, 23])
def test_a_clip_is_repeated_to_the_frame(clip: PreparedClip, tmp_path: Path, frames: int) -> None:
    repeated(clip, frames, tmp_path / "long")
    long = PreparedClip.load(tmp_path / "long")
    own, pictures = (np.concatenate(list(one.read_frames())) for one in (clip, long))
    assert long.frames == len(pictures) == len(long.faces) == frames
    assert len(long.audio()) == frames * SAMPLES_PER_FRAME
    np.testing.assert_array_equal(pictures, own[np.arange(frames) % 10])
    np.testing.assert_array_equal(long.faces.landmarks, clip.faces.landmarks[np.arange(frames) % 10])
    found = measure(tmp_path / "long", ["SSIM", "PSNR"])
    assert 50 < found["loaded"] <= found["peak"]
