"""The open SyncNet: windows, crops, weights files, loss, and training that resumes exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.syncnet.losses import contrastive_loss, hits
from bench_lipsync.models.syncnet.open.augment_audio import augment_mel, augment_samples
from bench_lipsync.models.syncnet.open.augment_lips import augment_lips
from bench_lipsync.models.syncnet.open.batches import make_batch
from bench_lipsync.models.syncnet.open.crops import crop_mouths, mouth_frames
from bench_lipsync.models.syncnet.open.data import TrainingClip
from bench_lipsync.models.syncnet.open.network import OpenSyncNet, load_open_syncnet, save_open_syncnet
from bench_lipsync.models.syncnet.open.train import _OpenTrainer, run
from bench_lipsync.models.syncnet.settings import SyncSettings
from bench_lipsync.models.syncnet.trainer import CURVE, SyncLoss


@pytest.fixture(scope="module")
def network() -> OpenSyncNet:
    torch.manual_seed(0)
    return OpenSyncNet().eval().requires_grad_(False)


def test_stretches_give_what_windows_give(network: OpenSyncNet) -> None:
    """An embedding knows its own five frames (or twenty columns) and nothing else."""
    crops, mel = torch.rand(1, 9, 64, 64), torch.randn(1, 36, 80)
    lips, audio = network.lips(crops), network.audio(mel)
    assert lips.shape == audio.shape == (1, 5, 256)
    torch.testing.assert_close(lips.norm(dim=-1), torch.ones(1, 5))
    for i in range(5):
        torch.testing.assert_close(network.lips(crops[:, i : i + 5])[:, 0], lips[:, i], atol=1e-5, rtol=1e-4)
        window = mel[:, 4 * i : 4 * i + 20]
        torch.testing.assert_close(network.audio(window)[:, 0], audio[:, i], atol=1e-5, rtol=1e-4)


def test_light_and_contrast_hardly_matter(network: OpenSyncNet) -> None:
    crops = torch.rand(1, 5, 64, 64) * 0.5
    assert F.cosine_similarity(network.lips(crops), network.lips(crops * 0.6 + 0.3), dim=-1).min() > 0.99


def test_weights_round_trip(network: OpenSyncNet, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_open_syncnet(network, path, {"seconds": "1"})
    loaded = load_open_syncnet(path)
    assert loaded.config == network.config
    assert path.stat().st_size < 6_000_000
    crops = torch.rand(1, 5, 64, 64)
    torch.testing.assert_close(loaded.lips(crops), network.lips(crops), atol=5e-3, rtol=0)


def landmarks(frames: int, size: float, angle: float = 0.0) -> np.ndarray:
    """A face with its mouth at (100, 120), turned by `angle`; eyes `size` apart."""
    places = {33: (-0.5, -0.8), 263: (0.5, -0.8), 1: (0, -0.3), 152: (0, 0.45)}
    places |= {13: (0, -0.02), 14: (0, 0.02), 61: (-0.2, 0), 291: (0.2, 0)}
    points = np.zeros((frames, 478, 3), np.float32)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for index, place in places.items():
        points[:, index, :2] = turn @ (np.array(place) * size) + (100, 120)
    return points


def test_mouth_frames() -> None:
    where = mouth_frames(landmarks(12, 60, 0.3))
    np.testing.assert_allclose(where, np.tile([100, 120, 1.1 * 60, 0.3], (12, 1)), atol=1e-3)
    turned = landmarks(12, 60)
    turned[:, (33, 263), 0] = 100 + np.array([-6, 6])  # in profile the eyes are near each other
    np.testing.assert_allclose(mouth_frames(turned)[:, 2], 1.1 * 1.3 * 0.75 * 60, rtol=1e-3)


def test_crop_is_upright_and_centred() -> None:
    """A bright bar along the turned mouth line comes out level, in the middle."""
    angle = 0.4
    rows, columns = np.mgrid[:240, :240].astype(float)
    across = -(columns - 100) * np.sin(angle) + (rows - 120) * np.cos(angle)
    frame = np.repeat((np.abs(across) < 3)[..., None] * np.uint8(255), 3, axis=2)
    crop = crop_mouths(frame[None], mouth_frames(landmarks(1, 60, angle)), 64)[0].astype(float)
    assert crop.shape == (64, 64)
    profile = crop.mean(axis=1)
    assert profile.max() > 240
    assert abs((profile * np.arange(64)).sum() / profile.sum() - 31.5) < 0.3


def test_margin_shows_more_at_the_same_scale() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (240, 240, 3), np.uint8)
    where = mouth_frames(landmarks(1, 60))
    small, wide = crop_mouths(frame[None], where, 64), crop_mouths(frame[None], where, 96, margin=1.5)
    assert np.abs(wide[:, 16:80, 16:80].astype(int) - small).max() <= 1


def test_loss_prefers_the_right_pairs() -> None:
    torch.manual_seed(1)
    vectors = F.normalize(torch.randn(4, 10, 32), dim=-1)
    scale = torch.tensor(10.0)
    right, late = contrastive_loss(vectors, vectors, scale), contrastive_loss(vectors, vectors.roll(3, dims=1), scale)
    assert right < late
    assert hits(vectors, vectors) == 1
    assert hits(vectors, vectors.roll(3, dims=1)) < 0.5


def test_augmentation_keeps_shapes_and_ranges() -> None:
    crops = np.random.default_rng(0).integers(0, 255, (8, 96, 96), np.uint8)
    samples = (np.random.default_rng(0).standard_normal(8 * 640) * 2000).astype(np.int16)
    for seed in range(40):
        draw = np.random.default_rng(seed)
        lips = augment_lips(crops, 64, draw)
        assert lips.shape == (8, 64, 64)
        assert lips.dtype == np.float32
        assert lips.min() >= 0
        assert lips.max() <= 1
        wave = augment_samples(samples, samples[::-1], draw)
        assert wave.dtype == np.float32
        assert np.abs(wave).max() <= 1
        mel = augment_mel(np.full((32, 80), -1, np.float32), draw)
        assert mel.shape == (32, 80)
        assert mel.min() >= -5


class FakeClip:
    """What the trainer reads of a prepared clip: noise whose brightness around the mouth follows its loudness."""

    def __init__(self, name: str, frames: int = 24) -> None:
        self.id = self.identity = name
        self.content_hash = name * 8
        draw = np.random.default_rng(len(name) + ord(name[-1]))
        self.level = draw.random(frames)
        self.video = (draw.random((frames, 240, 240, 3)) * 60 + 120 * self.level[:, None, None, None]).astype(np.uint8)
        self.sound = (draw.standard_normal(frames * 640) * np.repeat(self.level, 640) * 5000).astype(np.int16)

    @property
    def faces(self) -> FakeClip:
        return self

    @property
    def landmarks(self) -> np.ndarray:
        return landmarks(len(self.video), 60)

    def read_frames(self) -> list[np.ndarray]:
        return [self.video[:10], self.video[10:]]

    def audio(self) -> np.ndarray:
        return self.sound


@pytest.fixture(scope="module")
def clips() -> list[FakeClip]:
    return [FakeClip(f"clip{letter}") for letter in "abcde"]


SETTINGS = SyncSettings(steps=4, batch=2, frames=8, warmup=1)


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    return load_open_syncnet(path).state_dict()


def test_interrupted_training_ends_the_same(
    clips: list[FakeClip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(clips, tmp_path / "whole", SETTINGS)  # type: ignore[arg-type]

    def interrupted(trainer: _OpenTrainer) -> SyncLoss:
        if trainer.done == 3:
            raise KeyboardInterrupt
        return step(trainer)

    step, saving = _OpenTrainer.step, SETTINGS.model_copy(update={"save_every": 2})
    with monkeypatch.context() as patch:
        patch.setattr(_OpenTrainer, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(clips, tmp_path / "parts", saving)  # type: ignore[arg-type]
    parts = run(clips, tmp_path / "parts", saving)  # type: ignore[arg-type]
    ours, theirs = weights_of(whole), weights_of(parts)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (tmp_path / "parts" / CURVE).read_text().count("\n") == 2


def test_other_settings_do_not_continue_a_run(clips: list[FakeClip], tmp_path: Path) -> None:
    settings = SyncSettings(steps=1, batch=2, frames=8)
    run(clips, tmp_path, settings)  # type: ignore[arg-type]
    with pytest.raises(BenchError, match=r"made with frames \d+, not \d+; keep that or use another --out"):
        run(clips, tmp_path, settings.model_copy(update={"frames": 9}))  # type: ignore[arg-type]
    with pytest.raises(BenchError, match=r"made with other clips; keep that or use another --out"):
        run(clips[1:], tmp_path, settings)  # type: ignore[arg-type]


def test_too_few_clips(clips: list[FakeClip], tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="1 clips of at least 20 frames"):
        run(clips[:1], tmp_path)  # type: ignore[arg-type]


def test_batches_depend_on_seed_and_step_alone() -> None:
    draw = np.random.default_rng(0)
    material = [
        TrainingClip(str(i), str(i), draw.integers(0, 255, (12, 96, 96), np.uint8), np.zeros(12 * 640, np.int16))
        for i in range(3)
    ]
    one, same, other = (make_batch(material, SETTINGS, step, 64, augment=True) for step in (5, 5, 6))
    assert torch.equal(one.crops, same.crops)
    assert not torch.equal(one.crops, other.crops)
    assert one.crops.shape == (2, 8, 64, 64)
    assert one.mel.shape == (2, 32, 80)
