"""The published SyncNet: names, size, golden vectors, and files that must not be read."""

from __future__ import annotations

import os
import pickle
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from bench_lipsync.harness.serialization.weights import RefusedFileError
from bench_lipsync.metrics.lse.formulas import read_sync, window_count
from bench_lipsync.models.syncnet.published.checkpoint import load_syncnet_v2
from bench_lipsync.models.syncnet.published.lips import LipNetwork
from bench_lipsync.models.syncnet.published.mfcc import mfcc, mfcc_windows
from bench_lipsync.models.syncnet.published.network import SyncNet


def golden_state(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The weights of the golden vectors: drawn from a generator seeded with each tensor's name."""
    state = network.state_dict()
    for key, tensor in state.items():
        if not tensor.is_floating_point():
            continue
        draw = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
        noise = draw.standard_normal(tuple(tensor.shape)).astype(np.float32)
        last = key.split(".")[-1]
        if last == "running_var":
            noise = 1 + 0.1 * np.abs(noise)
        elif last in {"running_mean", "bias"}:
            noise = 0.1 * noise
        elif noise.ndim == 1:
            noise = 1 + 0.1 * noise
        else:
            noise = noise / np.sqrt(np.prod(noise.shape[1:]))
        state[key] = torch.from_numpy(np.asarray(noise, np.float32))
    return state


@pytest.fixture(scope="module")
def network() -> SyncNet:
    net = SyncNet()
    net.load_state_dict(golden_state(net))
    return net.eval().requires_grad_(False)


def test_size(network: SyncNet) -> None:
    assert len(network.state_dict()) == 102
    assert sum(parameter.numel() for parameter in network.parameters()) == 13_631_616


@pytest.mark.shared
def test_names_and_shapes_are_the_published_ones(network: SyncNet, shared: Path) -> None:
    published = {}
    for line in (shared / "facts" / "syncnet_state_dict.txt").read_text().splitlines():
        name, shape = line.split("\t")
        published[name] = shape
    assert {name: str(list(tensor.shape)) for name, tensor in network.state_dict().items()} == published


@pytest.mark.shared
def test_golden(network: SyncNet, shared: Path) -> None:
    golden = np.load(shared / "golden" / "syncnet_golden.npz")
    frames = golden["frames_lowres_bgr"].repeat(16, axis=1).repeat(16, axis=2)
    coefficients = mfcc(golden["waveform_int16"])
    np.testing.assert_allclose(coefficients, golden["mfcc_13xT"], atol=1e-4)

    windows = window_count(len(frames), len(golden["waveform_int16"]))
    assert windows == len(golden["lip_embeddings"])
    audio = network.embed_audio(torch.from_numpy(mfcc_windows(coefficients, windows))).numpy()
    stretch = torch.from_numpy(frames).permute(3, 0, 1, 2).float()
    lips = network.embed_lips(stretch).numpy()[:windows]
    np.testing.assert_allclose(audio, golden["audio_embeddings"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(lips, golden["lip_embeddings"], rtol=1e-4, atol=1e-4)

    measured = LipNetwork(network)(torch.from_numpy(frames)).numpy()[:windows]  # as LSE computes them
    np.testing.assert_allclose(measured, golden["lip_embeddings"], rtol=1e-4, atol=1e-4)
    shifts = read_sync(measured, audio).mean_distance
    np.testing.assert_allclose(shifts, golden["mean_distance_per_shift"], rtol=1e-5)

    reading = read_sync(lips, audio)
    np.testing.assert_allclose(reading.mean_distance, golden["mean_distance_per_shift"], rtol=1e-5)
    assert reading.offset == golden["av_offset"]
    assert reading.distance == pytest.approx(float(golden["min_distance"]), rel=1e-5)
    assert reading.confidence == pytest.approx(float(golden["confidence"]), abs=2e-3)  # a difference of 530s


def test_checkpoint_round_trip(network: SyncNet, tmp_path: Path) -> None:
    for name, legacy in (("zip.model", True), ("old.model", False)):
        torch.save(network.state_dict(), tmp_path / name, _use_new_zipfile_serialization=legacy)
        loaded = load_syncnet_v2(tmp_path / name)
        assert not loaded.training
        assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), network.parameters(), strict=True))


class _Hostile:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.witness),)


def test_hostile_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    (tmp_path / "plain.model").write_bytes(pickle.dumps(_Hostile(witness), protocol=2))
    torch.save({"netcnnaud.0.weight": _Hostile(witness)}, tmp_path / "zip.model")
    witness_free = [tmp_path / "plain.model", tmp_path / "zip.model"]
    for path in witness_free:
        with pytest.raises(RefusedFileError, match="bench assets add syncnet_v2"):
            load_syncnet_v2(path)
    assert not witness.exists()


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04broken"])
def test_garbage_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.model").write_bytes(content)
    with pytest.raises(RefusedFileError):
        load_syncnet_v2(tmp_path / "x.model")


def test_other_tensors_are_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "x.model")
    with pytest.raises(RefusedFileError, match="not those of syncnet_v2"):
        load_syncnet_v2(tmp_path / "x.model")
    torch.save([torch.zeros(3)], tmp_path / "y.model")
    with pytest.raises(RefusedFileError):
        load_syncnet_v2(tmp_path / "y.model")
