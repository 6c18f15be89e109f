"""`load_model`: what does not fit is named, and a configuration cannot fill the memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.weights import load_model, save_weights

LABEL = ("format", "tiny-1")


@dataclass(frozen=True)
class Config:
    width: int = 3


def build(config: Config) -> nn.Linear:
    return nn.Linear(config.width, 2)


def write(path: Path, width: int = 3, **metadata: str) -> Path:
    tensors = {"weight": torch.rand(2, 3), "bias": torch.rand(2)}
    save_weights(tensors, path, {"format": "tiny-1", "config": f'{{"width": {width}}}', **metadata}, half=True)
    return path


def test_half_precision_comes_back_as_float32_in_evaluation_mode(tmp_path: Path) -> None:
    net, facts = load_model(write(tmp_path / "a.safetensors", note="x"), LABEL, Config, build, "a tiny network")
    assert (net.weight.dtype, net.weight.device.type, net.training) == (torch.float32, "cpu", False)
    assert net.weight.requires_grad
    assert facts["note"] == "x"


@pytest.mark.parametrize(
    ("width", "metadata", "message"),
    [
        (3, {"format": "other"}, r"has format 'other' in its metadata, not 'tiny-1'"),
        (3, {"config": "{"}, "metadata that is not understood"),
        (3, {"config": '{"width": "wide"}'}, "metadata that is not understood: width"),
        (4, {}, r"does not fit a tiny network: 1 of another shape, such as weight"),
        (10**12, {}, r"does not fit a tiny network"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, width: int, metadata: dict[str, str], message: str) -> None:
    path = write(tmp_path / "a.safetensors", width, **metadata)
    with pytest.raises(BenchError, match=rf"a\.safetensors.*{message}"):
        load_model(path, LABEL, Config, build, "a tiny network")
