"""The open SyncNet: two small convolutional halves from grey mouth crops and log-mel to 256-d unit vectors.

Both halves run over any length of clip and give one vector for every window of five frames (0.2 s).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.weights import load_model, save_weights
from bench_lipsync.models.syncnet.open import WEIGHTS

WINDOW_FRAMES = 5
"""Video frames that one embedding sees."""
MEL_PER_FRAME = 4
"""Mel columns per video frame; a window holds 20 of them."""
_LABEL = ("network", "open-syncnet")


@dataclass(frozen=True)
class OpenSyncConfig:
    """Size of the network; stored in the metadata of its weights."""

    crop: int = 64
    """Side of the mouth crop in pixels."""
    mels: int = 80
    """Mel bands."""
    lip_channels: tuple[int, int, int, int] = (32, 64, 128, 192)
    """Channels of the lip half at 1/2, 1/4, 1/8 and 1/16 of the crop's side."""
    audio_channels: tuple[int, int, int, int] = (32, 64, 128, 192)
    """Channels of the audio half; each of the first three halves the number of bands."""
    embedding: int = 256
    """Dimensions of the unit vectors."""


def conv_norm_relu(
    channels_in: int, channels_out: int, kernel: int | tuple[int, int], **options: object
) -> list[nn.Module]:
    """A convolution without bias, batch norm and ReLU."""
    conv = nn.Conv2d(channels_in, channels_out, kernel, bias=False, **options)  # type: ignore[arg-type]
    return [conv, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)]


class LipHalf(nn.Module):
    """Mouth crops to unit vectors; only the first layer looks along time, over five frames."""

    def __init__(self, config: OpenSyncConfig) -> None:
        super().__init__()
        a, b, c, d = config.lip_channels
        self.motion = nn.Conv3d(1, a, (WINDOW_FRAMES, 5, 5), stride=(1, 2, 2), padding=(0, 2, 2), bias=False)
        self.body = nn.Sequential(
            nn.BatchNorm2d(a),
            nn.ReLU(inplace=True),
            *conv_norm_relu(a, b, 3, stride=2, padding=1),
            *conv_norm_relu(b, c, 3, stride=2, padding=1),
            *conv_norm_relu(c, c, 3, padding=1),
            *conv_norm_relu(c, d, 3, stride=2, padding=1),
            *conv_norm_relu(d, d, 3, padding=1),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(d * (config.crop // 32) ** 2, config.embedding),
        )

    def forward(self, crops: Tensor) -> Tensor:
        """(B, T, S, S) grey in 0..1 to (B, T - 4, D) unit vectors."""
        # Light and contrast say nothing about speech: every frame is brought to mean 0 and deviation 1.
        mean = crops.mean(dim=(2, 3), keepdim=True)
        deviation = crops.std(dim=(2, 3), keepdim=True)
        motion = self.motion(((crops - mean) / (deviation + 0.02))[:, None])
        batch, channels, windows, height, width = motion.shape
        images = motion.transpose(1, 2).reshape(batch * windows, channels, height, width)
        vectors = self.body(images.contiguous(memory_format=torch.channels_last))
        return F.normalize(vectors.float(), dim=-1).view(batch, windows, -1)


class AudioHalf(nn.Module):
    """Log-mel to unit vectors: a window of 20 columns, a step of 4, from unpadded layers along time."""

    def __init__(self, config: OpenSyncConfig) -> None:
        super().__init__()
        a, b, c, d = config.audio_channels
        self.body = nn.Sequential(
            *conv_norm_relu(1, a, 3, stride=(1, 2), padding=(0, 1)),
            *conv_norm_relu(a, b, (4, 3), stride=(2, 2), padding=(0, 1)),
            *conv_norm_relu(b, c, 3, stride=(1, 2), padding=(0, 1)),
            *conv_norm_relu(c, d, (2, 3), stride=(2, 1), padding=(0, 1)),
            *conv_norm_relu(d, d, 3, padding=(0, 1)),
            nn.MaxPool2d((1, 2)),
        )
        self.head = nn.Linear(d * (config.mels // 16), config.embedding)

    def forward(self, mel: Tensor) -> Tensor:
        """(B, M, 80) log10 mel power to (B, (M - 20) // 4 + 1, D) unit vectors."""
        # Fixed numbers bring -5..2 near -2..2; a level taken from the clip would let windows know of each other.
        features = self.body(((mel + 2.0) / 1.5)[:, None])
        vectors = self.head(features.permute(0, 2, 1, 3).flatten(2))
        return F.normalize(vectors.float(), dim=-1)


class OpenSyncNet(nn.Module):
    """Both halves, and the learned scale of the training loss."""

    def __init__(self, config: OpenSyncConfig | None = None) -> None:
        super().__init__()
        self.config = config or OpenSyncConfig()
        self.lips = LipHalf(self.config)
        self.audio = AudioHalf(self.config)
        self.log_scale = nn.Parameter(torch.tensor(2.5))


def save_open_syncnet(network: OpenSyncNet, path: Path, facts: dict[str, str]) -> None:
    """Write half-precision safetensors with the configuration and `facts` (how it was trained) as metadata."""
    metadata = {"format": "pt", _LABEL[0]: _LABEL[1], "config": json.dumps(asdict(network.config)), **facts}
    save_weights(network.state_dict(), path, metadata, half=True)


def load_open_syncnet(path: Path | None = None, device: str = "cpu") -> OpenSyncNet:
    """The network of `path` (default: the committed weights), frozen and in evaluation mode. Raises `BenchError`."""
    path = path or WEIGHTS
    if not path.is_file():
        raise BenchError(
            f"{path.name} is not there; `bench train syncnet --dataset demo --split train --out DIR` makes one"
        )
    network, _ = load_model(path, _LABEL, OpenSyncConfig, OpenSyncNet, "the open SyncNet")
    return network.requires_grad_(False).to(device)
