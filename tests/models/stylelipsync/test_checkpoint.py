"""Loading and saving weights: both layouts, and files that are refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.stylelipsync.checkpoint import CheckpointInfo, load_checkpoint, save_checkpoint
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet


@pytest.mark.shared
@pytest.mark.parametrize("prefix", ["", "module."])
def test_published_layout_loads(golden, tmp_path: Path, prefix: str) -> None:
    state = golden.net.state_dict()
    torch.save({"G": {prefix + key: value for key, value in state.items()}}, tmp_path / "person_3k.pth")
    torch.save({"w_avg": golden.net.w_avg}, tmp_path / "w_avg.pth")
    loaded = load_checkpoint(tmp_path / "person_3k.pth")
    assert loaded.info.name == "person_3k"
    assert torch.equal(loaded.net.w_avg, golden.net.w_avg)
    assert all(torch.equal(value, state[key]) for key, value in loaded.net.state_dict().items())
    (tmp_path / "person_3k.pth").unlink()


def test_own_layout_round_trips(tiny_config, tmp_path: Path) -> None:
    net = StyleLipSyncNet(tiny_config)
    net.w_avg = torch.randn(tiny_config.w_dim)
    info = CheckpointInfo(name="tiny", trained_on="nothing", steps=3, seed=5)
    save_checkpoint(tmp_path / "a.safetensors", net, info)
    loaded = load_checkpoint(tmp_path / "a.safetensors")
    assert (loaded.net.config, loaded.info) == (tiny_config, info)
    assert torch.equal(loaded.net.w_avg, net.w_avg)
    assert all(torch.equal(value, net.state_dict()[key]) for key, value in loaded.net.state_dict().items())


def test_half_storage_halves_the_file_and_loads_as_float32(tiny_config, tmp_path: Path) -> None:
    net = StyleLipSyncNet(tiny_config)
    for half in (False, True):
        save_checkpoint(tmp_path / f"{half}.safetensors", net, CheckpointInfo(), half=half)
    sizes = {half: (tmp_path / f"{half}.safetensors").stat().st_size for half in (False, True)}
    assert sizes[True] < 0.65 * sizes[False]
    weight = load_checkpoint(tmp_path / "True.safetensors").net.synthesis.b4.const
    assert weight.dtype == torch.float32
    torch.testing.assert_close(weight, net.synthesis.b4.const, rtol=1e-3, atol=1e-3)


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (eval, ("open('owned', 'w')",))


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"G": Hostile()}, tmp_path / "evil.pth")
    torch.save({"w_avg": torch.zeros(512)}, tmp_path / "w_avg.pth")
    with pytest.raises(BenchError, match="refused: it holds more than tensors"):
        load_checkpoint(tmp_path / "evil.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(BenchError, match="refused"):
        load_checkpoint(tmp_path / "plain.pth")
    assert not (tmp_path / "owned").exists()


def test_errors_name_the_file_and_the_difference(tiny_config, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="bench train stylelipsync"):
        load_checkpoint(tmp_path / "missing.safetensors")
    (tmp_path / "text.safetensors").write_text("not weights")
    with pytest.raises(BenchError, match="no safetensors file"):
        load_checkpoint(tmp_path / "text.safetensors")
    torch.save({"G": {}}, tmp_path / "empty.pth")
    with pytest.raises(BenchError, match=r"w_avg\.pth"):
        load_checkpoint(tmp_path / "empty.pth")
    torch.save({"w_avg": torch.zeros(512)}, tmp_path / "w_avg.pth")
    with pytest.raises(BenchError, match="422 missing"):
        load_checkpoint(tmp_path / "empty.pth")
