"""Wav2Lip's generator; parameter names are those of the published checkpoints.

Source: `models/wav2lip.py` of Rudrabha/Wav2Lip at 5c90fa9, by its layer table.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench_lipsync.models.wav2lip.blocks import Conv, ConvBlock, UpBlock, convolutions

FACE_SIZE = 96
"""Side of the face crop in pixels."""
MEL_COLUMNS = 16
"""Mel columns that one frame hears: 0.2 s."""
N_MELS = 80

_FACE: tuple[tuple[Conv, ...], ...] = (
    (Conv(16, 7, 1, 3),),
    (Conv(32, stride=2, again=2),),
    (Conv(64, stride=2, again=3),),
    (Conv(128, stride=2, again=2),),
    (Conv(256, stride=2, again=2),),
    (Conv(512, stride=2, again=1),),
    (Conv(512, padding=0), Conv(512, 1, 1, 0)),
)
"""Face encoder: 96 px to 1, halving from the second row on; the fifth row ends at 3 px."""
_NARROWEST = 16
"""Channels that every layer of a narrower network keeps: the image's colours must fit through the first one."""
_UP = (512, 512, 384, 256, 128, 64)
"""Channels of the decoder's rows behind the first."""


def _hearing(divide: int) -> nn.Sequential:
    """Audio encoder (N, 1, 80, 16) to (N, 512, 1, 1)."""
    table = (
        Conv(32, again=2),
        Conv(64, stride=(3, 1), again=2),
        Conv(128, stride=3, again=2),
        Conv(256, stride=(3, 2), again=1),
        Conv(512, padding=0),
        Conv(512, 1, 1, 0),
    )
    return nn.Sequential(*convolutions(1, *_narrow(table, divide)))


def _narrow(table: tuple[Conv, ...], divide: int) -> list[Conv]:
    return [row._replace(out=_width(row.out, divide)) for row in table]


def _width(channels: int, divide: int) -> int:
    return min(channels, max(_NARROWEST, channels // divide))


class Wav2LipNet(nn.Module):
    """36,298,035 parameters. `divide` (ours) makes every layer that many times narrower, down to 16 channels."""

    def __init__(self, divide: int = 1) -> None:
        super().__init__()
        self.divide = divide
        self.face_encoder_blocks, widths = nn.ModuleList(), [6]
        for table in _FACE:
            rows = _narrow(table, divide)
            self.face_encoder_blocks.append(nn.Sequential(*convolutions(widths[-1], *rows)))
            widths.append(rows[-1].out)
        self.audio_encoder = _hearing(divide)
        skips, top = widths[:0:-1], _width(512, divide)
        self.face_decoder_blocks = nn.ModuleList([nn.Sequential(*convolutions(top, Conv(top, 1, 1, 0)))])
        channels = top + skips[0]
        for row, out in enumerate(_width(channels, divide) for channels in _UP):
            up = UpBlock(channels, out, 1, 0) if row == 0 else UpBlock(channels, out, 2, 1)
            residual = [ConvBlock(out, Conv(out), residual=True) for _ in range(1 if row == 0 else 2)]
            self.face_decoder_blocks.append(nn.Sequential(up, *residual))
            channels = out + skips[row + 1]
        last = _width(32, divide)
        self.output_block = nn.Sequential(ConvBlock(channels, Conv(last)), nn.Conv2d(last, 3, 1), nn.Sigmoid())

    def forward(self, mel: Tensor, face: Tensor) -> Tensor:
        """Crops (N, 3, 96, 96) in [0, 1], BGR, of mel windows (N, 1, 80, 16) and faces (N, 6, 96, 96) in [0, 1].

        The first three channels of `face` are the frame with its lower half black, the others a reference.
        """
        skips = []
        x = face
        for block in self.face_encoder_blocks:
            x = block(x)
            skips.append(x)
        x = self.audio_encoder(mel)
        for block in self.face_decoder_blocks:
            x = torch.cat([block(x), skips.pop()], dim=1)
        drawn: Tensor = self.output_block(x)
        return drawn
