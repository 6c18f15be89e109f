"""Prepared clips of moving waves with a face track that turns, and descriptions of programs that do not exist."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from face_tracks import plain_track

from bench_lipsync.baselines.external.description import Description
from bench_lipsync.baselines.external.exchange.face_regions import EYE_LEFT, EYE_RIGHT, IBUG68, MOUTH
from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, PreparedClip
from bench_lipsync.harness.media import LosslessWriter, write_wav

SIZE, FRAMES = 96, 60


@lru_cache
def _waves(frames: int, size: int, speed: float) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size]
    time = np.arange(frames)[:, None, None] * speed
    shown = np.stack([np.sin(rows / (9 + c) + columns / (7 + c) + time) for c in range(3)], -1)
    return (127.5 + 110 * shown).astype(np.uint8)


def waves(frames: int = FRAMES, size: int = SIZE, speed: float = 0.2) -> np.ndarray:
    """(frames, size, size, 3) uint8: smooth pictures that move."""
    return _waves(frames, size, speed).copy()


def landmarks(frames: int, size: int) -> np.ndarray:
    """(frames, 478, 3): a round face that drifts and nods a little."""
    random = np.random.default_rng(1)
    points = random.uniform(-0.15, 0.15, (478, 2))
    for part, centre in ((EYE_LEFT, (-0.1, -0.08)), (EYE_RIGHT, (0.1, -0.08)), (MOUTH, (0.0, 0.14))):
        points[list(part)] = np.array(centre) + random.uniform(-0.02, 0.02, (len(part), 2))
    jaw = np.linspace(0, np.pi, 17)
    points[list(IBUG68[:17])] = np.stack([-0.25 * np.cos(jaw), 0.25 * np.sin(jaw)], axis=1)
    turned = []
    for index in range(frames):
        angle = 0.1 * np.sin(index / 9)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = np.array([0.5 + 0.02 * np.sin(index / 7), 0.5 + 0.01 * np.cos(index / 5)])
        turned.append((points @ turn.T + middle) * size)
    return np.concatenate([np.stack(turned), np.zeros((frames, 478, 1))], axis=2).astype(np.float32)


def make_clip(folder: Path, frames: int = FRAMES, size: int = SIZE, speed: float = 0.2) -> PreparedClip:
    """Stands in for `harness.stages.prepare_clip.prepare_clip`, which needs a real face."""
    return write(folder, waves(frames, size, speed), landmarks(frames, size))


def make_portrait_clip(folder: Path, frames: int, size: int = 128, still: bool = False) -> PreparedClip:
    """A portrait of the demo set that sways by whole pixels, with the face track that goes with it."""
    from bench_lipsync.harness.assets.lookup import AssetMissing
    from bench_lipsync.harness.datasets.demo import data
    from bench_lipsync.harness.faces.landmarker import Landmarker

    picture = cv2.imread(str(next(Path(data.__path__[0]).rglob("*.jpg"))))[..., ::-1]
    side = min(picture.shape[:2])
    picture = cv2.resize(picture[:side, :side], (size, size), interpolation=cv2.INTER_AREA)
    try:
        with Landmarker() as landmarker:
            points = landmarker.faces(picture)[0].landmarks
    except AssetMissing:
        pytest.skip("NOT CHECKED: needs the face landmarker")
    moves = np.zeros(frames) if still else np.round(size / 40 * np.sin(np.arange(frames) / 4))
    swayed = np.stack([np.roll(picture, int(move), axis=1) for move in moves])
    track = np.repeat(points[None], frames, axis=0)
    track[:, :, 0] += moves[:, None]
    return write(folder, swayed, track)


def write(folder: Path, pictures: np.ndarray, points: np.ndarray) -> PreparedClip:
    """A prepared clip of these pictures and this track, with noise for sound."""
    folder.mkdir(parents=True, exist_ok=True)
    frames, size = pictures.shape[:2]
    audio = np.random.default_rng(3).integers(-3000, 3000, frames * SAMPLES_PER_FRAME, dtype=np.int16)
    with LosslessWriter(folder / "video.mkv", size, size) as writer:
        writer.write(pictures)
    write_wav(folder / "audio.wav", audio)
    plain_track(points).save(folder / "faces.npz")
    meta = {
        "id": "clip",
        "identity": "nobody",
        "frames": frames,
        "size": size,
        "content_hash": hashlib.sha256(pictures.tobytes()).hexdigest(),
        "crop": {"x": 0, "y": 0, "side": size},
        "source": {"video": {"width": size, "height": size, "rate": 25.0}},
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    return PreparedClip.load(folder)


def describe(**changes: Any) -> Description:
    """A program that edits the canonical crop and writes `benchout/result.mp4`."""
    fields: dict[str, Any] = {
        "name": "nobody",
        "title": "Nobody's model",
        "repository": "https://example.org/nobody",
        "commit": "0123456789",
        "licence": "none",
        "environment": {"python": "3.10"},
        "inputs": [
            {"name": "video", "kind": "video", "path": "benchin/clip.mp4"},
            {"name": "audio", "kind": "audio", "path": "benchin/clip.wav"},
        ],
        "steps": [{"argv": ["{python}", "run.py", "{video}", "{audio}", "{out}/result.mp4"]}],
        "output": {"files": "{out}/*.mp4"},
    }
    return Description.model_validate({**fields, **changes})
