"""The published SyncNet of `syncnet_v2.model` (Chung & Zisserman, 2016): 102 tensors, 13,631,616 parameters.

Layers and state-dict names are those of the released weights, so that the file loads strictly.
"""

from __future__ import annotations

from torch import Tensor, nn

WINDOW_FRAMES = 5
"""Video frames in one lip window (0.2 s at 25 fps)."""
WINDOW_MFCC = 20
"""MFCC columns in one audio window (0.2 s at 100 Hz)."""
FACE_SIZE = 224
"""Side in pixels of the face crop that the lip half reads."""
EMBEDDING = 1024
"""Dimensions of both embeddings; they are not normalised."""


def _block2d(channels_in: int, channels_out: int, kernel: int | tuple[int, int], padding: int = 0) -> list[nn.Module]:
    return [
        nn.Conv2d(channels_in, channels_out, kernel, padding=padding),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    ]


def _block3d(
    channels_in: int,
    channels_out: int,
    kernel: tuple[int, int, int],
    stride: tuple[int, int, int] = (1, 1, 1),
    padding: tuple[int, int, int] = (0, 0, 0),
) -> list[nn.Module]:
    return [
        nn.Conv3d(channels_in, channels_out, kernel, stride=stride, padding=padding),
        nn.BatchNorm3d(channels_out),
        nn.ReLU(inplace=True),
    ]


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, EMBEDDING))


class SyncNet(nn.Module):
    """Two halves: 0.2 s of a speaking face and 0.2 s of audio become points that are near when they belong together."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_block2d(1, 64, 3, padding=1),
            nn.MaxPool2d(1, stride=1),  # does nothing, but its place in the numbering is part of the names
            *_block2d(64, 192, 3, padding=1),
            nn.MaxPool2d(3, stride=(1, 2)),
            *_block2d(192, 384, 3, padding=1),
            *_block2d(384, 256, 3, padding=1),
            *_block2d(256, 256, 3, padding=1),
            nn.MaxPool2d(3, stride=2),
            *_block2d(256, 512, (5, 4)),
        )
        self.netfcaud = _head()
        self.netfclip = _head()
        self.netcnnlip = nn.Sequential(
            *_block3d(3, 96, (5, 7, 7), stride=(1, 2, 2)),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2)),
            *_block3d(96, 256, (1, 5, 5), stride=(1, 2, 2), padding=(0, 1, 1)),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            *_block3d(256, 256, (1, 3, 3), padding=(0, 1, 1)),
            *_block3d(256, 256, (1, 3, 3), padding=(0, 1, 1)),
            *_block3d(256, 256, (1, 3, 3), padding=(0, 1, 1)),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2)),
            *_block3d(256, 512, (1, 6, 6)),
        )

    def embed_audio(self, mfcc: Tensor) -> Tensor:
        """(N, 1, 13, 20) MFCC windows to (N, 1024)."""
        embeddings: Tensor = self.netfcaud(self.netcnnaud(mfcc).flatten(1))
        return embeddings

    def embed_lips(self, frames: Tensor) -> Tensor:
        """(3, T, 224, 224) BGR frames in 0..255 to (T - 4, 1024), one embedding for every window of five frames.

        Only the first layer looks along time, and it has no padding there. Running over the whole stretch therefore
        computes what running over its windows one by one does, without copying every frame five times.
        """
        features = self.netcnnlip(frames[None])  # (1, 512, T - 4, 1, 1)
        embeddings: Tensor = self.netfclip(features[0, :, :, 0, 0].T)
        return embeddings
