"""S3FD: the size of the published file, its arithmetic on weights from a recipe, its anchors, files it refuses."""

from __future__ import annotations

import os
import pickle
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from bench_lipsync.harness.assets.lookup import asset_spec
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.backbones.s3fd.detector import S3fdDetector
from bench_lipsync.models.backbones.s3fd.network import ANCHORS, S3FD, STRIDES

# What the published detector's own code returned for the weights and the picture below (threshold 0.6, scale 0.25).
PUBLISHED = np.array(
    [
        [-95.5402, -102.4614, 161.7788, 160.4004, 1.0000],
        [-15.6636, 143.2015, 109.4700, 274.5492, 1.0000],
        [111.8541, -49.0372, 238.0174, 82.9713, 0.9895],
        [88.7144, 119.6413, 151.8825, 182.7027, 0.9868],
        [152.6876, 183.8999, 215.5959, 246.8459, 0.9821],
        [40.0278, -23.7547, 103.5223, 38.9589, 0.9807],
        [168.4559, 71.8132, 231.9653, 135.0633, 0.9790],
        [40.4331, 88.0072, 103.7013, 150.7094, 0.9783],
        [24.5340, 39.8267, 87.9008, 102.7634, 0.9776],
        [168.5274, 135.9196, 231.7092, 198.8174, 0.9773],
        [104.7092, 55.9302, 167.9926, 118.7143, 0.9556],
        [104.7731, 199.7780, 167.6738, 262.9903, 0.9523],
        [-7.4886, 103.8671, 55.6972, 166.9230, 0.8991],
        [216.2807, -23.9232, 279.5525, 38.9047, 0.8423],
        [-23.6584, 56.0977, 39.4533, 118.8080, 0.7612],
        [216.4584, 183.8176, 279.7583, 246.8099, 0.7138],
    ]
)


def recipe_state(network: S3FD) -> dict[str, torch.Tensor]:
    """Weights drawn from generators seeded with the tensors' names; the heads' are scaled so that most heads fire."""
    state = network.state_dict()
    for key, tensor in state.items():
        draw = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
        noise = draw.standard_normal(tuple(tensor.shape)).astype(np.float32)
        if key.endswith("bias"):
            noise = 0.1 * noise
        else:
            noise = 1 + 0.1 * noise if noise.ndim == 1 else noise / np.sqrt(np.prod(noise.shape[1:]))
        state[key] = torch.from_numpy(np.asarray(noise, np.float32))
    for head in range(6):
        state[f"conf.{head}.weight"] *= 20 * 4**head
        state[f"loc.{head}.weight"] *= 0.5
    return state


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("s3fd") / "sfd_face.pth"
    torch.save(recipe_state(S3FD()), path)
    return path


def test_parameters_fill_the_published_file() -> None:
    count = sum(parameter.numel() for parameter in S3FD().parameters())
    assert count == 22_459_110
    assert 0 < asset_spec("s3fd").size - 4 * count < 10_000, "what is left over are names"


def test_boxes_equal_the_published_code(weights: Path) -> None:
    picture = cv2.resize(np.random.default_rng(0).integers(0, 255, (12, 12, 3), np.uint8), (256, 256))
    np.testing.assert_allclose(S3fdDetector(weights, conf_threshold=0.6)(picture), PUBLISHED, atol=2e-3)


def test_threshold_and_scale_count(weights: Path) -> None:
    picture = cv2.resize(np.random.default_rng(1).integers(0, 255, (12, 12, 3), np.uint8), (160, 140))
    few, many = (len(S3fdDetector(weights, conf_threshold=limit, scale=1.0)(picture)) for limit in (0.99, 0.5))
    assert 0 < few < many
    assert S3fdDetector(weights, conf_threshold=2.0)(picture).shape == (0, 5)


def test_without_shifts_boxes_are_the_anchors() -> None:
    network = S3FD()
    for head in network.loc:
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
    found = network(torch.zeros(1, 3, 64, 96))
    first = 0
    for stride, side in zip(STRIDES, ANCHORS, strict=True):
        rows, columns = max(1, -(-64 // stride)), max(1, -(-96 // stride))
        boxes = found.boxes[0, first : first + rows * columns]
        first += rows * columns
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        assert torch.allclose(boxes[:, 2:] - boxes[:, :2], torch.tensor(float(side)))
        assert torch.allclose(centres[0], torch.tensor(stride / 2))
        assert torch.allclose(centres[-1], torch.tensor([(columns - 0.5) * stride, (rows - 0.5) * stride]))
    assert first == found.boxes.shape[1] == found.scores.shape[1]


class Hostile:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, (str(self.trace),))


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "sfd_face.pth"
    path.write_bytes(pickle.dumps(Hostile(trace)))
    with pytest.raises(BenchError, match="bench assets add s3fd"):
        S3fdDetector(path)
    assert not trace.exists()
    torch.save({"conv1_1.weight": torch.zeros(1)}, path)
    with pytest.raises(BenchError, match="does not hold the tensors of S3FD"):
        S3fdDetector(path)
