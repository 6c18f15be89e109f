"""Wav2Lip's network gives the published network's outputs for known weights and inputs, under their names."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bench_lipsync.models.wav2lip.network import Wav2LipNet


def known_weights(network: nn.Module) -> nn.Module:
    """The recipe of the golden vectors."""
    for key, tensor in network.state_dict().items():
        if not tensor.is_floating_point():
            continue
        n = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode()))).standard_normal(tensor.shape)
        n = n.astype(np.float32)
        last = key.split(".")[-1]
        if last == "running_var":
            n = 1 + 0.1 * np.abs(n)
        elif last in ("running_mean", "bias"):
            n = 0.1 * n
        else:
            n = 1 + 0.1 * n if n.ndim == 1 else n / np.float32(np.sqrt(np.prod(n.shape[1:])))
        tensor.copy_(torch.from_numpy(np.asarray(n, np.float32)))
    return network.eval().requires_grad_(False)


def test_number_of_parameters() -> None:
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in Wav2LipNet().parameters()) == 36_298_035


@pytest.mark.shared
def test_names_and_shapes_are_the_published_ones(shared: Path) -> None:
    lines = (shared / "facts" / "wav2lip_state_dict.txt").read_text().splitlines()
    published = {name: shape for name, _, shape in (line.partition("\t") for line in lines)}
    with torch.device("meta"):
        ours = {key: str(list(tensor.shape)) for key, tensor in Wav2LipNet().state_dict().items()}
    assert ours == published


@pytest.mark.shared
def test_outputs_equal_the_published_network(shared: Path) -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    drawn = [rng.uniform(-4, 4, (3, 1, 80, 16)), rng.uniform(0, 1, (3, 6, 96, 96))]
    mel, face = (torch.from_numpy(values.astype(np.float32)) for values in drawn)
    output = known_weights(Wav2LipNet())(mel, face)
    found = {"output_stride2": output[:, :, ::2, ::2], "output_mean": output.mean(dim=(2, 3))}
    with np.load(shared / "golden" / "wav2lip_golden.npz", allow_pickle=False) as golden:
        for name, value in found.items():
            torch.testing.assert_close(value, torch.from_numpy(golden[name]), rtol=1e-5, atol=2e-6, msg=name)
