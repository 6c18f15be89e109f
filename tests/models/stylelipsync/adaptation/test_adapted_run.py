"""From `bench run --mode zero-shot,adapted` to rows, with a real tiny network, expert and store; faces are drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from face_tracks import plain_track
from filmed_heads import film
from synthetic_clip import sound

from bench_lipsync.harness.ablation.run import carry_out
from bench_lipsync.harness.ablation.variants import Variants
from bench_lipsync.harness.api.clip import FPS, Clip, PreparedClip
from bench_lipsync.harness.media import LosslessWriter, write_wav
from bench_lipsync.harness.run.pipeline import RunOptions, execute
from bench_lipsync.harness.run.spec import make_spec
from bench_lipsync.models.stylelipsync.adaptation.foreign_speech import foreign_speech
from bench_lipsync.models.stylelipsync.adaptation.trainer import AdaptLosses, AdaptTrainer
from bench_lipsync.models.stylelipsync.checkpoint import CheckpointInfo, load_checkpoint, save_checkpoint
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet

SIZE, LONG = 64, 6


def prepare(clip: Clip, directory: Path, size: int) -> PreparedClip:
    """A clip of a file that would be `LONG` seconds long, with a turning face."""
    first, last = round((clip.start or 0.0) * FPS), round((clip.end or LONG) * FPS)
    count, serial = last - first, sum(map(ord, clip.id))
    frames = np.random.default_rng(serial).integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    with LosslessWriter(directory / "video.mkv", size, size) as writer:
        writer.write(frames)
    write_wav(directory / "audio.wav", sound(serial, count))
    plain_track(film(np.zeros(count), np.linspace(-10, 10, count), size)).save(directory / "faces.npz")
    meta = {"id": clip.id, "identity": clip.identity, "frames": count, "size": size}
    (directory / "meta.json").write_text(json.dumps({**meta, "content_hash": f"{clip.id} {first} {last}"}))
    return PreparedClip.load(directory)


@pytest.fixture
def weights(tiny_config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("bench_lipsync.harness.stages.prepare_clip.prepare_clip", prepare)
    monkeypatch.setattr("bench_lipsync.harness.run.adaptation_footage.clip_seconds", lambda clip: float(LONG))
    speech = foreign_speech([sound(3, 40)], "noise")
    monkeypatch.setattr("bench_lipsync.models.stylelipsync.adaptation.adapt.demo_speech", lambda: speech)
    (tmp_path / "clips").mkdir()
    for name in ("anna", "bert"):
        (tmp_path / "clips" / f"{name}.mp4").write_bytes(name.encode())
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, StyleLipSyncNet(tiny_config), CheckpointInfo(name="tiny"))
    return path


def test_zero_shot_and_adapted_rows(weights: Path, tmp_path: Path) -> None:
    spec = make_spec(
        {
            "models": [f"stylelipsync:{weights}"],
            "dataset": "folder",
            "data_root": tmp_path / "clips",
            "metrics": ["PSNR"],
            "size": SIZE,
            "mode": "zero-shot,adapted",
            "adapt": {"seconds": 2, "steps": 6},
        }
    )
    result = execute(spec, RunOptions(out=tmp_path / "run")).result
    assert not result.failures
    values = {row.model: row.value for row in result.metrics}
    zero, adapted = values["stylelipsync:tiny.safetensors"], values["stylelipsync:tiny.safetensors (adapted)"]
    assert zero is not None and adapted is not None and adapted > zero, "six steps towards the footage's noise"
    assert {clip.frames for clip in result.clips} == {(LONG - 3) * FPS}, "two seconds and a gap are not scored"

    files = sorted((tmp_path / "cache" / "store" / "adapt").rglob("adapted.safetensors"))
    assert len(files) == 2
    told = [load_checkpoint(path).info.adapted for path in files]
    assert {(one.content_hash, one.video_start, one.video_stop) for one in told if one} == {
        ("anna.adapt 0 50", 0.0, 2.0),
        ("bert.adapt 0 50", 0.0, 2.0),
    }
    tuned = next(path for path, one in zip(files, told, strict=True) if one and one.content_hash.startswith("anna"))

    by_hand = make_spec({**spec.model_dump(), "models": [f"stylelipsync:{tuned}"], "mode": "zero-shot", "adapt": None})
    refused = execute(by_hand, RunOptions(out=tmp_path / "hand")).result
    assert [(failure.clip, failure.status) for failure in refused.failures] == [("anna", "seen")]


@pytest.mark.parametrize(("schedule", "taken"), [("constant", 6), ("cosine", 6 + 3 + 2)])
def test_a_curve_over_steps_comes_of_one_adaptation_where_that_is_the_same(
    schedule: str, taken: int, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two speakers; a constant learning rate gives every point on the way to the largest."""
    spec = make_spec(
        {
            "models": [f"stylelipsync:{weights}"],
            "dataset": "folder",
            "data_root": tmp_path / "clips",
            "metrics": ["PSNR"],
            "size": SIZE,
            "mode": "adapted",
            "adapt": {"seconds": 2, "settings": {"schedule": schedule}},
        }
    )
    step, done = AdaptTrainer.step, []

    def counted(self: AdaptTrainer) -> AdaptLosses:
        done.append(self.done)
        return step(self)

    monkeypatch.setattr(AdaptTrainer, "step", counted)
    variants = Variants(f"stylelipsync:{weights}", {})
    curve = carry_out(spec, variants, RunOptions(out=tmp_path / "run"), steps=[2, 6, 3]).ablation.curve
    assert [point.steps for point in curve] == [2, 3, 6]
    assert len(done) == 2 * taken
    values = [next(row.value for row in point.result.metrics if row.mode == "adapted") for point in curve]
    assert len(set(values)) == 3
    if schedule == "constant":
        monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "other"))
        alone = spec.model_copy(update={"adapt": spec.adapt.model_copy(update={"steps": 3})})
        result = execute(alone, RunOptions(out=tmp_path / "alone")).result
        assert result.spec_hash == curve[1].result.spec_hash
        assert result.metrics == curve[1].result.metrics, "as if it had been adapted by itself"
