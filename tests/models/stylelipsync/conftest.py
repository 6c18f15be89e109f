"""The published network with the weights of the golden recipe, made once for the whole folder."""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.training.data import TrainingData
from bench_lipsync.models.stylelipsync.training.settings import TrainSettings
from bench_lipsync.models.training.clip_arrays import ClipSpan

FRAMES = 12
TINY = StyleLipSyncConfig(
    resolution=32,
    channel_base=512,
    channel_max=16,
    w_dim=16,
    audio_widths=(8, 8, 16, 16),
    audio_blocks=(1, 1, 1, 1),
    reference_channel_base=512,
    reference_channel_max=16,
)


class Golden(NamedTuple):
    net: StyleLipSyncNet
    masked: torch.Tensor
    mel: torch.Tensor
    reference: torch.Tensor
    expected: dict[str, np.ndarray]


def recipe(key: str, value: torch.Tensor) -> torch.Tensor:
    last = key.rsplit(".", maxsplit=1)[-1]
    if not value.is_floating_point() or last == "resample_filter":
        return value
    shape = tuple(value.shape)
    n = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode()))).standard_normal(shape).astype(np.float32)
    if last == "running_var":
        n = 1 + 0.1 * np.abs(n)
    elif (last == "bias" and ".affine." in key) or (last == "weight" and len(shape) == 1):
        n = 1 + 0.1 * n
    elif last in ("running_mean", "bias", "noise_strength"):
        n = 0.1 * n
    elif not (last in ("noise_const", "const") or key.startswith("synthesis.") or ".f_mix" in key):
        n = n / math.sqrt(math.prod(shape[1:]))
    return torch.as_tensor(np.asarray(n, dtype=np.float32)).reshape(shape)


@pytest.fixture(autouse=True, scope="module")
def _no_waiting_threads() -> None:
    """Tiny networks on a busy machine spend their time waiting for the second thread."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_config() -> StyleLipSyncConfig:
    return TINY


@pytest.fixture(scope="session")
def golden(shared: Path) -> Golden:
    with torch.device("meta"):
        net = StyleLipSyncNet(StyleLipSyncConfig())
    net.to_empty(device="cpu")
    fresh = dict(net.state_dict())
    kernel = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64
    for key, value in fresh.items():
        fresh[key] = kernel if key.endswith("resample_filter") else recipe(key, value)
        if key.endswith("num_batches_tracked"):
            fresh[key] = torch.zeros_like(value)
    net.load_state_dict(fresh)
    rng = np.random.Generator(np.random.PCG64(2023))
    masked = np.tanh(rng.standard_normal((1, 6, 3, 256, 256)))
    mel = rng.standard_normal((1, 6, 20, 80)) - 2
    reference = np.tanh(rng.standard_normal((1, 3, 256, 256)))
    net.w_avg = torch.from_numpy((0.1 * rng.standard_normal(512)).astype(np.float32))
    inputs = [torch.from_numpy(array.astype(np.float32)) for array in (masked, mel, reference)]
    return Golden(net.eval(), *inputs, dict(np.load(shared / "golden" / "stylelipsync_golden.npz")))


@pytest.fixture
def settings(tiny_config) -> TrainSettings:
    return TrainSettings(
        network=tiny_config,
        steps=40,
        batch=2,
        frames=3,
        lr=5e-3,
        lambda_lpips=0.0,
        lambda_sync=0.0,
        lambda_mouth=1.0,
        composite=True,
        train_synthesis=True,
        noise="const",
        flip=True,
        colour=0.1,
        ema=0.9,
    )


@pytest.fixture
def data() -> TrainingData:
    """Two people: one colour each, and a dark mouth that opens with the loudness of the mel window."""
    loudness = np.abs(np.sin(np.arange(2 * FRAMES)))
    frames = np.zeros((2 * FRAMES, 32, 32, 3), np.uint8)
    frames[:FRAMES], frames[FRAMES:] = (200, 120, 90), (90, 120, 200)
    for frame, value in zip(frames, loudness, strict=True):
        frame[20 : 20 + round(8 * value), 10:22] = 20
    keep = np.full((2 * FRAMES, 32, 32), 255, np.uint8)
    keep[:, 16:] = 0
    mel = np.broadcast_to(loudness[:, None, None], (2 * FRAMES, 20, 80)).astype(np.float32).copy()
    mouth = np.tile(np.float32([0.0, 0.5, 0.4]), (2 * FRAMES, 1))
    clips = (ClipSpan("a", "a", 0, FRAMES), ClipSpan("b", "b", FRAMES, FRAMES))
    return TrainingData(clips, frames, keep, mel, mouth)
