"""Runs in this process on clips made of noise: the real pipeline, store, scorers and files; no face is looked for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from face_tracks import still_track

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, Clip, PreparedClip
from bench_lipsync.harness.api.model import ModelCard
from bench_lipsync.harness.media import LosslessWriter, write_wav
from bench_lipsync.harness.registry import plugins
from bench_lipsync.harness.run.executors.factory import ExecutorOptions
from bench_lipsync.harness.run.pipeline import RunOptions, RunOutcome, execute
from bench_lipsync.harness.run.spec import make_spec

SIZE, FRAMES = 64, 41
CLIPS = ("anna/1", "bert/1", "cleo/1")


class Darker:
    """Halves the brightness."""

    card = ModelCard(name="darker", kind="model")
    print_of_weights = "darker-v1"

    def fingerprint(self) -> str:
        return self.print_of_weights

    def generate(self, clip, audio, context):
        for chunk in clip.read_frames(chunk=16):
            yield chunk // 2


def prepare_noise(clip: Clip, directory: Path, size: int) -> PreparedClip:
    rng = np.random.default_rng(int(hashlib.sha256(clip.id.encode()).hexdigest()[:8], 16))
    frames = rng.integers(0, 256, (FRAMES, size, size, 3), dtype=np.uint8)
    audio = rng.integers(-3000, 3000, FRAMES * SAMPLES_PER_FRAME, dtype=np.int16)
    with LosslessWriter(directory / "video.mkv", size, size) as writer:
        writer.write(frames)
    write_wav(directory / "audio.wav", audio)
    still_track(FRAMES, SIZE).save(directory / "faces.npz")
    meta = {"id": clip.id, "identity": clip.identity, "frames": FRAMES, "size": size}
    meta["content_hash"] = hashlib.sha256(frames.tobytes() + audio.tobytes()).hexdigest()
    (directory / "meta.json").write_text(json.dumps(meta))
    return PreparedClip.load(directory)


@dataclass
class NoiseRuns:
    """A folder data set with a store of its own."""

    root: Path

    def run(self, out: str = "run", **values: object) -> RunOutcome:
        spec = {"models": ("darker",), "dataset": "folder", "data_root": self.root / "clips", "size": SIZE}
        local = ExecutorOptions(kind="local")
        options = RunOptions(out=self.root / out, executor=local, force=True)
        return execute(make_spec({**spec, "metrics": ["PSNR", "SSIM"], **values}), options)

    def entries(self, stage: str = "*") -> set[Path]:
        """Of the store."""
        return {key.parent for key in (self.root / "cache" / "store").glob(f"{stage}/??/*/key.json")}


@pytest.fixture
def noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NoiseRuns:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_STORE", raising=False)
    for name in CLIPS:
        path = tmp_path / "clips" / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    monkeypatch.setattr("bench_lipsync.harness.stages.prepare_clip.prepare_clip", prepare_noise)
    monkeypatch.setitem(plugins.MODELS._targets, "darker", Darker)
    return NoiseRuns(tmp_path)
