"""StyleLipSync as a model under test: the contract, chunks that do not matter, and what it says about itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic_clip import FRAMES, SIZE, sound, synthetic

from bench_lipsync.harness.api.model import GenerateContext, LipSyncModel
from bench_lipsync.harness.errors import BenchError, ClipError
from bench_lipsync.models.stylelipsync import model as module
from bench_lipsync.models.stylelipsync.checkpoint import CheckpointInfo, save_checkpoint
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.vision.frames import resize


@pytest.fixture(scope="module")
def weights(tiny_config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_checkpoint(path, StyleLipSyncNet(tiny_config), CheckpointInfo(name="tiny", trained_on="noise"))
    return path


@pytest.fixture(scope="module")
def model(weights: Path) -> module.StyleLipSync:
    return module.StyleLipSync(weights)


def frames(model: LipSyncModel, audio: np.ndarray, batch_size: int = 4) -> np.ndarray:
    return np.concatenate(list(model.generate(synthetic(), audio, GenerateContext(batch_size=batch_size))))


def test_keeps_the_contract(model: module.StyleLipSync) -> None:
    assert isinstance(model, LipSyncModel)
    chunks = list(model.generate(synthetic(), sound(0), GenerateContext(batch_size=4)))
    assert [len(chunk) for chunk in chunks] == [4, 4, 3]
    assert all(chunk.dtype == np.uint8 and chunk.shape[1:] == (SIZE, SIZE, 3) for chunk in chunks)


def test_size_of_the_chunks_does_not_matter(model: module.StyleLipSync) -> None:
    whole = frames(model, sound(0), FRAMES).astype(int)
    for size in (1, 3):
        assert np.abs(frames(model, sound(0), size).astype(int) - whole).max() <= 1


def test_repeats_itself_and_follows_the_audio(model: module.StyleLipSync) -> None:
    assert (frames(model, sound(0)) == frames(model, sound(0))).all()
    assert (frames(model, sound(0)) != frames(model, sound(1))).any()


def test_leaves_the_upper_face_untouched(model: module.StyleLipSync) -> None:
    assert (frames(model, sound(0))[:, : SIZE // 3] == synthetic().pixels[:, : SIZE // 3]).all()


def test_the_raw_output_is_what_is_pasted_and_nothing_of_the_frame(model: module.StyleLipSync, weights: Path) -> None:
    clip = synthetic()
    clip.meta["content_hash"] = "c"
    raw_model = module.StyleLipSync(weights, "raw")
    raw, pasted = frames(raw_model, sound(0)), frames(model, sound(0))
    assert raw.shape == pasted.shape
    assert (raw[:, : SIZE // 3] != clip.pixels[:, : SIZE // 3]).any(), "the upper face is drawn, too"
    drawn = resize(model.keep(clip, 0, FRAMES), SIZE) == 0
    assert drawn.any() and np.abs(raw[drawn].astype(int) - pasted[drawn]).max() <= 1
    assert not raw_model.keep(clip, 0, FRAMES).any()


def test_card_and_fingerprint(model: module.StyleLipSync, weights: Path, tiny_config, tmp_path: Path) -> None:
    card = model.card
    assert (card.name, card.trained_on, card.native_size) == ("stylelipsync", "noise", 32)
    assert card.weights.startswith("tiny@")
    assert model.fingerprint() == module.StyleLipSync(weights).fingerprint()
    save_checkpoint(tmp_path / "other.safetensors", StyleLipSyncNet(tiny_config), CheckpointInfo(name="tiny"))
    assert module.StyleLipSync(tmp_path / "other.safetensors").fingerprint() != model.fingerprint()


def test_one_frame_is_too_short(model: module.StyleLipSync) -> None:
    with pytest.raises(ClipError, match="too_short"):
        next(model.generate(synthetic(1), sound(0, 1), GenerateContext()))


def test_missing_weights_say_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bench_lipsync.models.stylelipsync.variants.WEIGHTS", tmp_path)
    with pytest.raises(BenchError, match="bench train stylelipsync --dataset demo"):
        module.StyleLipSync()


def test_the_demo_weights_come_with_the_package_and_say_what_they_are() -> None:
    assert module.DEMO_WEIGHTS.stat().st_size < 10_000_000
    card = module.StyleLipSync().card
    assert card.native_size == 128
    assert "demo" in card.trained_on
    assert card.weights.startswith("stylelipsync-demo@")
