"""Prepared clips without faces, and videos of any size, rate, length and codec beside them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import av
import numpy as np
from face_tracks import still_track

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, Clip, PreparedClip
from bench_lipsync.harness.media import LosslessWriter, write_wav

SIZE, FRAMES = 64, 45
WIDTH, HEIGHT, CORNER = 96, 80, (20, 10)
"""The dataset's own frame, and where the crop of `SIZE` pixels lies in it."""


def pictures(name: str, frames: int = FRAMES, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Smooth pictures that move, (frames, height, width, 3) uint8; the same name gives the same ones."""
    phase = int(hashlib.sha256(name.encode()).hexdigest()[:4], 16) / 1000
    rows, columns = np.mgrid[:height, :width]
    waves = [
        np.sin(rows / (9 + c) + columns / (7 + c) + phase + np.arange(frames)[:, None, None] / 5) for c in range(3)
    ]
    return (127.5 + 110 * np.stack(waves, axis=-1)).astype(np.uint8)


def crop(frames: np.ndarray) -> np.ndarray:
    """The canonical crop of whole frames."""
    x, y = CORNER
    return frames[:, y : y + SIZE, x : x + SIZE]


def prepare(clip: Clip, directory: Path, size: int = SIZE) -> PreparedClip:
    """Stands in for `harness.stages.prepare_clip.prepare_clip`, which needs a face."""
    frames = crop(pictures(clip.id))
    audio = np.random.default_rng(len(clip.id)).integers(-3000, 3000, FRAMES * SAMPLES_PER_FRAME, dtype=np.int16)
    with LosslessWriter(directory / "video.mkv", size, size) as writer:
        writer.write(frames)
    write_wav(directory / "audio.wav", audio)
    still_track(FRAMES, SIZE).save(directory / "faces.npz")
    meta = {
        "id": clip.id,
        "identity": clip.identity,
        "frames": FRAMES,
        "size": size,
        "content_hash": hashlib.sha256(frames.tobytes()).hexdigest(),
        "crop": {"x": CORNER[0], "y": CORNER[1], "side": size},
        "source": {"video": {"width": WIDTH, "height": HEIGHT, "rate": 29.97}},
    }
    (directory / "meta.json").write_text(json.dumps(meta))
    return PreparedClip.load(directory)


def write_video(path: Path, frames: np.ndarray, rate: int = 25, codec: str = "libx264") -> Path:
    """Encode pictures: `libx264` as most models' code does, or `ffv1` (RGB, without loss)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=rate, options={"crf": "18"} if codec == "libx264" else {})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p" if codec == "libx264" else "bgr0"
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            file.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        file.mux(stream.encode(None))
    return path
