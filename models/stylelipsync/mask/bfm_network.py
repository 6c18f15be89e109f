"""The network of Deep3DFaceRecon: a ResNet-50 from an aligned face to 257 coefficients, and the alignment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench_lipsync.harness.errors import BenchError, first_problem
from bench_lipsync.harness.serialization.weights import RefusedFileError, read_torch
from bench_lipsync.models.stylelipsync.mask.bfm import CROP, SOURCES, bfm_file, read_arrays
from bench_lipsync.models.stylelipsync.mask.similarity import Points

PARTS = {"identity": 80, "expression": 64, "texture": 80, "angles": 3, "light": 27, "place": 2, "depth": 1}
"""The 257 coefficients in order."""
FACE_PX = 102.0
"""Size of the standard face in the network's image, in pixels a unit of the standard landmarks."""
MIDDLES = ((33, 133), (362, 263), (4,), (61,), (291,))
"""MediaPipe's points for the five landmarks: both eyes' middles, tip of the nose, corners of the mouth."""
_STANDARD = ((36, 39), (42, 45), (30,), (48,), (54,))
_BATCH = 8


class Coefficients(NamedTuple):
    """What the network says about T faces."""

    identity: NDArray[np.float32]
    """(T, 80)"""
    expression: NDArray[np.float32]
    """(T, 64)"""
    angles: NDArray[np.float32]
    """(T, 3) radians"""
    translation: NDArray[np.float32]
    """(T, 3) decimetres"""


class Alignment(NamedTuple):
    """How frames are brought to the network: `crop = scale * (frame - centre) + CROP / 2`, y down."""

    scale: Points
    """(T,)"""
    centre: Points
    """(T, 2) pixels"""


class CoefficientNet(nn.Module):
    """(B, 3, 224, 224) RGB in [0, 1] to (B, 257); parameters are named as in the published checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import resnet50

        self.backbone = resnet50(weights=None)
        self.backbone.fc = nn.Identity()
        self.final_layers = nn.ModuleList(nn.Conv2d(2048, width, 1) for width in PARTS.values())

    def forward(self, images: Tensor) -> Tensor:
        """Coefficients (B, 257)."""
        features = self.backbone(images)[..., None, None]
        return torch.cat([layer(features) for layer in self.final_layers], dim=1).flatten(1)


def load_network(folder: Path) -> CoefficientNet:
    """The network with the weights of `epoch_20.pth`, in eval mode. Raises `BfmMissing`, `RefusedFileError`."""
    path = bfm_file(folder, "epoch_20.pth")
    with torch.device("meta"):  # initial values would be thrown away
        net = CoefficientNet()
    try:
        state = read_torch(path)["net_recon"]
        net.load_state_dict(state, assign=True)
    except (BenchError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise RefusedFileError(
            f"{path.name} holds no network 'net_recon' of this shape: {first_problem(error)}; {SOURCES[path.name]}"
        ) from error
    return net.float().eval()


def load_standard(folder: Path) -> Points:
    """The standard face's five landmarks (5, 3), y up. Raises `BfmMissing`, `RefusedFileError`."""
    path = bfm_file(folder, "similarity_Lm3D_all.mat")
    landmarks = read_arrays(path, ("lm",))["lm"].astype(np.float64)
    if landmarks.shape != (68, 3):
        raise RefusedFileError(f"{path.name}: lm must be (68, 3), not {landmarks.shape}; {SOURCES[path.name]}")
    return np.stack([landmarks[list(points)].mean(axis=0) for points in _STANDARD])


def align(landmarks: NDArray[np.float32], standard: Points) -> Alignment:
    """How to cut the faces of MediaPipe's `landmarks` (T, 478, 3), pixels, so that they match `standard` (5, 3).

    An affine camera is fitted to the five points by least squares; its mean scale and the place of the standard face's
    origin say how, as published (there to whole pixels).
    """
    five = np.stack([landmarks[:, list(points), :2].mean(axis=1) for points in MIDDLES], axis=1).astype(np.float64)
    five[..., 1] *= -1
    known = np.concatenate([standard, np.ones((5, 1))], axis=1)
    cameras = np.linalg.pinv(known) @ five
    size = np.linalg.norm(cameras[:, :3], axis=1).mean(axis=1)
    return Alignment(FACE_PX / size, cameras[:, 3] * [1, -1])


def cut(frame: NDArray[np.uint8], scale: float, centre: Points) -> NDArray[np.uint8]:
    """The network's image (224, 224, 3) of one `frame`; outside of the frame it is black."""
    import cv2

    # Pixel centres are half a pixel inside the continuous coordinates that landmarks are in.
    shift = CROP / 2 - scale * centre + 0.5 * scale - 0.5
    affine = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    return cv2.warpAffine(frame, affine, (CROP, CROP), flags=cv2.INTER_CUBIC).astype(np.uint8)


@torch.no_grad()
def regress(net: CoefficientNet, chunks: Iterable[NDArray[np.uint8]], alignment: Alignment) -> Coefficients:
    """Coefficients of every frame of `chunks` (n, H, W, 3) uint8 RGB."""
    rows = [net(batch).numpy() for batch in _images(chunks, alignment)]
    values = np.concatenate(rows).astype(np.float32)
    ends = np.cumsum(list(PARTS.values()))
    identity, expression, _, angles, _, place, depth = np.split(values, ends[:-1], axis=1)
    return Coefficients(identity, expression, angles, np.concatenate([place, depth], axis=1))


def _images(chunks: Iterable[NDArray[np.uint8]], alignment: Alignment) -> Iterator[Tensor]:
    done = 0
    for chunk in chunks:
        for start in range(0, len(chunk), _BATCH):
            part = chunk[start : start + _BATCH]
            faces = [
                cut(frame, float(scale), centre)
                for frame, scale, centre in zip(part, alignment.scale[done:], alignment.centre[done:], strict=False)
            ]
            done += len(part)
            yield torch.from_numpy(np.stack(faces)).permute(0, 3, 1, 2).contiguous().float() / 255.0
