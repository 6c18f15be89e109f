"""Wav2Lip's two building blocks, with the names of the published state dict."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

Pair = int | tuple[int, int]


class Conv(NamedTuple):
    """A row of a table: output channels, kernel, stride, padding; `again` residual layers of that width follow."""

    out: int
    kernel: int = 3
    stride: Pair = 1
    padding: int = 1
    again: int = 0


class ConvBlock(nn.Module):
    """Convolution, batch norm, ReLU; a residual one adds its input before the ReLU."""

    def __init__(self, channels_in: int, layer: Conv, residual: bool = False) -> None:
        super().__init__()
        conv = nn.Conv2d(channels_in, layer.out, layer.kernel, layer.stride, layer.padding)
        self.conv_block = nn.Sequential(conv, nn.BatchNorm2d(layer.out))
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, out, H', W')."""
        y: Tensor = self.conv_block(x)
        return (y + x if self.residual else y).relu()


class UpBlock(nn.Module):
    """Transposed convolution of kernel 3, batch norm, ReLU."""

    def __init__(self, channels_in: int, out: int, stride: int, padding: int) -> None:
        super().__init__()
        grown = stride - 1  # Doubles the side where the stride is 2.
        conv = nn.ConvTranspose2d(channels_in, out, 3, stride, padding, output_padding=grown)
        self.conv_block = nn.Sequential(conv, nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, out, H', W')."""
        y: Tensor = self.conv_block(x)
        return y.relu()


def convolutions(channels_in: int, *layers: Conv) -> list[nn.Module]:
    """The blocks of a table's rows, one after the other."""
    blocks: list[nn.Module] = []
    for layer in layers:
        blocks.append(ConvBlock(channels_in, layer))
        same = Conv(layer.out)
        blocks += [ConvBlock(layer.out, same, residual=True) for _ in range(layer.again)]
        channels_in = layer.out
    return blocks
