"""The same weights are the same file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from bench_lipsync.harness.errors import NoRoomError
from bench_lipsync.harness.serialization.weights import save_weights


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    tensors = {f"t{i}": torch.arange(i + 1.0) for i in range(12)}
    metadata = {f"key {i}": f'{{"a": "\\u00fc \u00fc {i}\n"}}' for i in range(9)}
    files = []
    for number in range(6):
        save_weights(tensors, tmp_path / f"{number}.safetensors", metadata)
        files.append((tmp_path / f"{number}.safetensors").read_bytes())
    assert len(set(files)) == 1
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"] * 6


def test_everything_is_read_back(tmp_path: Path) -> None:
    tensors = {"b": torch.randn(3, 4), "a": torch.arange(5), "c": torch.randn(2).half()}
    metadata = {"zeta": "1", "alpha": '"quoted" \\ back', "umlaut": "\u00fc\u4e2d"}
    path = tmp_path / "deep" / "w.safetensors"
    save_weights(tensors, path, metadata)
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == metadata
        assert all(torch.equal(file.get_tensor(name), value) for name, value in tensors.items())
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="NOT CHECKED: this system has no device that is always full")
def test_a_full_disk_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of the library would be a traceback."""
    monkeypatch.setattr(Path, "write_bytes", lambda self, data: os.write(os.open("/dev/full", os.O_WRONLY), data))
    with pytest.raises(NoRoomError, match="No space left on device"):
        save_weights({"a": torch.zeros(3)}, tmp_path / "weights.safetensors", {})
    assert not list(tmp_path.iterdir())
