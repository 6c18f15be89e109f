"""Wav2Lip's networks give the published networks' outputs for known weights and inputs, under their names."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.wav2lip.network import LipSyncExpert, Wav2LipNet

FACTS = {"wav2lip_state_dict.txt": Wav2LipNet, "wav2lip_expert_state_dict.txt": LipSyncExpert}


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


@pytest.mark.parametrize(("network", "count"), [(Wav2LipNet, 36_298_035), (LipSyncExpert, 16_435_072)])
def test_number_of_parameters(network: type[nn.Module], count: int) -> None:
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in network().parameters()) == count


@pytest.mark.shared
@pytest.mark.parametrize("listing", FACTS)
def test_names_and_shapes_are_the_published_ones(listing: str, shared: Path) -> None:
    lines = (shared / "facts" / listing).read_text().splitlines()
    published = {name: shape for name, _, shape in (line.partition("\t") for line in lines)}
    with torch.device("meta"):
        ours = {key: str(list(tensor.shape)) for key, tensor in FACTS[listing]().state_dict().items()}
    assert ours == published


@pytest.mark.shared
def test_outputs_equal_the_published_networks(shared: Path) -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    drawn = [rng.uniform(-4, 4, (3, 1, 80, 16)), rng.uniform(0, 1, (3, 6, 96, 96)), rng.uniform(0, 1, (3, 15, 48, 96))]
    mel, face, lower_half = (torch.from_numpy(values.astype(np.float32)) for values in drawn)
    generator, expert = known_weights(Wav2LipNet()), known_weights(LipSyncExpert())
    output = generator(mel, face)
    found = {
        "output_stride2": output[:, :, ::2, ::2],
        "output_mean": output.mean(dim=(2, 3)),
        "expert_audio_embedding": expert.embed_audio(mel),
        "expert_face_embedding": expert.embed_lips(lower_half),
    }
    with np.load(shared / "golden" / "wav2lip_golden.npz", allow_pickle=False) as golden:
        assert set(golden.files) == set(found)
        for name, value in found.items():
            torch.testing.assert_close(value, torch.from_numpy(golden[name]), rtol=1e-5, atol=2e-6, msg=name)
