"""The network of `sfd_face.pth`: VGG16 with detection heads at six strides, names as in the released weights.

Source: Zhang et al., "S3FD: Single Shot Scale-invariant Face Detector" (ICCV 2017), in the PyTorch form that the
published SyncNet pipeline reads.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDES = (4, 8, 16, 32, 64, 128)
"""Pixels between the anchors of each head."""
ANCHORS = (16, 32, 64, 128, 256, 512)
"""Side in pixels of the square anchors of each head."""
_VARIANCE = (0.1, 0.2)
"""Scale of the predicted shift of the centre and of the logarithm of the size."""
_VGG = (64, 64, "M", 128, 128, "M", 256, 256, 256, "C", 512, 512, 512, "M", 512, 512, 512, "M")
"""Channels of the 3x3 convolutions; M halves the size rounding down, C rounding up."""
_TAPS = (16, 23, 30)
"""Layers of `vgg` before which conv3_3, conv4_3 and conv5_3 are read."""


class Candidates(NamedTuple):
    """All anchors' predictions for a batch of images."""

    boxes: Tensor
    """(N, A, 4) left, top, right, bottom in pixels of the network's input."""
    scores: Tensor
    """(N, A) probability of a face."""


class _ChannelNorm(nn.Module):
    """Brings every pixel's vector to length one, then scales the channels by learned weights."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        length: Tensor = x.norm(dim=1, keepdim=True) + 1e-10
        return x / length * self.weight[:, None, None]


def _trunk() -> nn.ModuleList:
    layers: list[nn.Module] = []
    channels = 3
    for step in _VGG:
        if isinstance(step, str):
            layers.append(nn.MaxPool2d(2, ceil_mode=step == "C"))
            continue
        layers += [nn.Conv2d(channels, step, 3, padding=1), nn.ReLU(inplace=True)]
        channels = step
    layers += [nn.Conv2d(512, 1024, 3, padding=6, dilation=6), nn.ReLU(inplace=True)]
    layers += [nn.Conv2d(1024, 1024, 1), nn.ReLU(inplace=True)]
    return nn.ModuleList(layers)


class S3FD(nn.Module):
    """(N, 3, H, W) RGB minus (123, 117, 104) to `Candidates`."""

    def __init__(self) -> None:
        super().__init__()
        self.vgg = _trunk()
        self.L2Norm3_3, self.L2Norm4_3, self.L2Norm5_3 = _ChannelNorm(256), _ChannelNorm(512), _ChannelNorm(512)
        self.extras = nn.ModuleList(
            [
                nn.Conv2d(1024, 256, 1),
                nn.Conv2d(256, 512, 3, stride=2, padding=1),
                nn.Conv2d(512, 128, 1),
                nn.Conv2d(128, 256, 3, stride=2, padding=1),
            ]
        )
        channels = (256, 512, 512, 1024, 512, 256)
        self.loc = nn.ModuleList([nn.Conv2d(c, 4, 3, padding=1) for c in channels])
        # The finest head has three background classes, of which the strongest counts.
        self.conf = nn.ModuleList([nn.Conv2d(c, 4 if c_i == 0 else 2, 3, padding=1) for c_i, c in enumerate(channels)])

    def forward(self, x: Tensor) -> Candidates:
        """All anchors of all heads, finest head first."""
        boxes, scores = [], []
        for head, features in enumerate(self._features(x)):
            shift = self.loc[head](features)
            logits = self.conf[head](features)
            background = logits[:, :-1].amax(dim=1)
            scores.append(torch.softmax(torch.stack([background, logits[:, -1]]), dim=0)[1].flatten(1))
            boxes.append(_decode(shift, STRIDES[head], ANCHORS[head]))
        return Candidates(torch.cat(boxes, dim=1), torch.cat(scores, dim=1))

    def _features(self, x: Tensor) -> list[Tensor]:
        features = []
        norms = dict(zip(_TAPS, (self.L2Norm3_3, self.L2Norm4_3, self.L2Norm5_3), strict=True))
        for index, layer in enumerate(self.vgg):
            if index in norms:
                features.append(norms[index](x))
            x = layer(x)
        features.append(x)
        for index, layer in enumerate(self.extras):
            x = F.relu(layer(x))
            if index % 2 == 1:
                features.append(x)
        return features


def _decode(shift: Tensor, stride: int, side: int) -> Tensor:
    """(N, 4, h, w) predictions to (N, h*w, 4) boxes."""
    rows, columns = shift.shape[2:]
    y = (torch.arange(rows, device=shift.device) + 0.5) * stride
    x = (torch.arange(columns, device=shift.device) + 0.5) * stride
    centre_x = x[None, None, :] + shift[:, 0] * _VARIANCE[0] * side
    centre_y = y[None, :, None] + shift[:, 1] * _VARIANCE[0] * side
    half_width = side * torch.exp(shift[:, 2] * _VARIANCE[1]) / 2
    half_height = side * torch.exp(shift[:, 3] * _VARIANCE[1]) / 2
    edges = (centre_x - half_width, centre_y - half_height, centre_x + half_width, centre_y + half_height)
    return torch.stack(edges, dim=-1).flatten(1, 2)
