"""A prepared clip with a still face whose mouth is as bright as its frame's number."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from face_tracks import plain_track

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.faces.head_pose import canonical_face
from bench_lipsync.harness.media import LosslessWriter, write_wav

SIZE = 96


def make_clip(folder: Path, frames: int) -> PreparedClip:
    """Every frame has another sound: two tones whose pitches move."""
    face = canonical_face().vertices @ np.diag([1.0, -1.0, -1.0]) * (SIZE / 25) + [SIZE / 2, SIZE / 2, 0]
    points = np.concatenate([face, np.zeros((478 - len(face), 3))]).astype(np.float32)
    levels = 40 + 5 * np.arange(frames)
    pictures = np.broadcast_to(levels[:, None, None, None], (frames, SIZE, SIZE, 3)).astype(np.uint8)
    with LosslessWriter(folder / "video.mkv", SIZE, SIZE) as writer:
        writer.write(np.ascontiguousarray(pictures))
    seconds = np.arange(frames * SAMPLES_PER_FRAME) / 16_000
    sound = np.sin(2 * np.pi * (300 + 400 * seconds) * seconds) + np.sin(2 * np.pi * (2500 - 500 * seconds) * seconds)
    write_wav(folder / "audio.wav", (6000 * sound).astype(np.int16))
    plain_track(np.tile(points, (frames, 1, 1))).save(folder / "faces.npz")
    meta = {"id": "made", "identity": "nobody", "frames": frames, "size": SIZE, "content_hash": "made"}
    (folder / "meta.json").write_text(json.dumps(meta))
    return PreparedClip.load(folder)
