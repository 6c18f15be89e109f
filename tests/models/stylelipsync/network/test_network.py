"""The network computes the published function: golden outputs, names, shapes and sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet

pytestmark = pytest.mark.shared


def close(actual: torch.Tensor, expected: np.ndarray) -> None:
    assert actual.shape == expected.shape
    error = np.abs(actual.detach().numpy() - expected).max() / np.abs(expected).max()
    assert error < 1e-4, f"relative error {error:.2g}"


def test_names_shapes_and_parameters_are_the_published_ones(shared: Path) -> None:
    lines = (shared / "facts" / "stylelipsync_state_dict.txt").read_text().splitlines()
    published = {name: shape for name, shape, *_ in (line.split("\t") for line in lines if "\t" in line)}
    with torch.device("meta"):
        net = StyleLipSyncNet(StyleLipSyncConfig())
    shapes = {name: str(list(value.shape)) for name, value in net.state_dict().items()}
    assert shapes.pop("w_avg") == "[512]", "the mean latent, which is published in a file of its own"
    assert shapes == published
    assert len(published) == 422
    assert sum(parameter.numel() for parameter in net.parameters()) == 137_876_584


@torch.no_grad()
def test_codes_and_latents(golden) -> None:
    close(golden.net.audio_encoder(golden.mel[0]), golden.expected["audio_codes"])
    close(golden.net.lip_encoder(golden.reference)[0], golden.expected["reference_code"])
    close(golden.net.latents(golden.mel, golden.reference)[0], golden.expected["latents"])


@torch.no_grad()
def test_face_features(golden) -> None:
    for size, feature in golden.net.face_encoder(golden.masked[0]).items():
        stride = max(1, size // 16)
        close(feature[:, ::16, ::stride, ::stride], golden.expected[f"face_feature_{size}"])


@torch.no_grad()
def test_frames(golden) -> None:
    frames = golden.net(golden.masked, golden.mel, golden.reference)[0]
    close(frames[:, :, ::4, ::4], golden.expected["frames_stride4"])
    close(frames.mean(dim=(2, 3)), golden.expected["frames_mean"])
    close(frames.std(dim=(2, 3)), golden.expected["frames_std"])
