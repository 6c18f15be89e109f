"""Conversion of network pickles: a writer that imitates StyleGAN2-ADA's layout, and hostile files."""

from __future__ import annotations

import io
import os
import pickle
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.weights import RefusedFileError
from bench_lipsync.models.stylegan2.convert import convert, run
from bench_lipsync.models.stylegan2.network.config import PriorConfig
from bench_lipsync.models.stylegan2.network.generator import Generator
from bench_lipsync.models.stylegan2.network_pickle import read_network
from bench_lipsync.models.stylegan2.prior import load_prior, save_prior

TINY = PriorConfig(resolution=16, channel_base=128, channel_max=16, w_dim=6, z_dim=5, mapping_layers=2)
# Would leave a file behind if anybody ran it.
SOURCE_TEXT = "import pathlib\npathlib.Path({!r}).write_text('run')\nclass Network: ...\n"


class EasyDict(dict):  # type: ignore[type-arg]
    def __getattr__(self, name: str) -> Any:
        return self[name]


class AdaWriter:
    """Pickles networks as the original code base does, through functions of its module names."""

    def __init__(self, source_text: str) -> None:
        self.source_text = source_text

    def dump(self, content: dict[str, Any], path: Path) -> None:
        with path.open("wb") as stream:
            pickle.dump(content, stream)

    def wrap(self, module: nn.Module) -> Any:
        """A network that pickles as a call of the original's rebuilding function with all of its attributes."""
        state = {
            "training": False,
            "_parameters": OrderedDict(module._parameters),
            "_buffers": OrderedDict(module._buffers),
            "_non_persistent_buffers_set": set(),
            "_forward_hooks": OrderedDict(),
            "_modules": OrderedDict((name, self.wrap(child)) for name, child in module._modules.items()),
            "weight_gain": np.float64(0.5),
            "_init_kwargs": EasyDict(z_dim=5, synthesis_kwargs=EasyDict(channel_base=128)),
        }
        meta = {
            "type": "class",
            "version": 6,
            "module_src": self.source_text,
            "class_name": type(module).__name__,
            "state": state,
        }
        return Persistent(meta)


class Persistent:
    def __init__(self, meta: dict[str, Any]) -> None:
        self.meta = meta

    def __reduce__(self) -> Any:
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (self.meta,)  # type: ignore[attr-defined]


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AdaWriter]:
    """Modules of the original's names exist while a file is written."""
    for name in ("torch_utils", "torch_utils.persistence", "dnnlib", "dnnlib.util"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))

    def _reconstruct_persistent_obj(meta: Any) -> Any:
        raise AssertionError("the original function was called")

    _reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    monkeypatch.setattr(
        sys.modules["torch_utils.persistence"],
        "_reconstruct_persistent_obj",
        _reconstruct_persistent_obj,
        raising=False,
    )
    monkeypatch.setattr(sys.modules["dnnlib.util"], "EasyDict", EasyDict, raising=False)
    monkeypatch.setattr(EasyDict, "__module__", "dnnlib.util")
    yield AdaWriter(SOURCE_TEXT.format(str(tmp_path / "executed")))


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(0)
    generator = Generator(TINY).eval().requires_grad_(False)
    for name, value in generator.named_parameters():
        if name.endswith(("noise_strength", "bias")):
            nn.init.normal_(value)
    generator.mapping.w_avg.normal_()
    return generator


@pytest.fixture
def network(writer: AdaWriter, generator: Generator, tmp_path: Path) -> Path:
    path = tmp_path / "network.pkl"
    other = Generator(TINY)
    content = {
        "G": writer.wrap(other),
        "D": None,
        "G_ema": writer.wrap(generator),
        "training_set_kwargs": EasyDict(resolution=16),
        "augment_pipe": None,
    }
    writer.dump(content, path)
    return path


def test_a_converted_network_makes_the_same_pictures(network: Path, generator: Generator, tmp_path: Path) -> None:
    prior = convert(network, TINY)
    ws = torch.randn(2, generator.synthesis.num_ws, TINY.w_dim)
    generator_again = prior.generator()
    assert torch.equal(generator_again.synthesis(ws, "const"), generator.synthesis(ws, "const"))
    z = torch.randn(3, TINY.z_dim)
    assert torch.equal(generator_again(z, 0.7), generator(z, 0.7))
    assert torch.equal(prior.w_avg, generator.mapping.w_avg)
    assert prior.config == TINY
    assert not (tmp_path / "executed").exists()


def test_the_written_prior_is_read_back_whole(network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench_lipsync.models.stylegan2.training import settings

    recipe = settings.PRESETS["demo"].model_copy(update={"network": TINY})
    monkeypatch.setitem(settings.PRESETS, "tiny", recipe)
    written = load_prior(run(network, tmp_path / "prior.safetensors", "tiny"))
    direct = convert(network, TINY)
    assert written.config == direct.config
    for key, value in direct.synthesis_state.items():
        assert torch.equal(written.synthesis_state[key], value), key


def test_lip_sync_training_begins_from_the_written_file(network: Path, generator: Generator, tmp_path: Path) -> None:
    from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
    from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
    from bench_lipsync.models.stylelipsync.training.initialization import load_beginning, take_over

    small = {"audio_widths": (8, 8, 8, 8), "audio_blocks": (1, 1, 1, 1), "reference_channel_max": 8}
    config = StyleLipSyncConfig(resolution=16, channel_base=128, channel_max=16, w_dim=6, **small)
    net = StyleLipSyncNet(config)
    save_prior(tmp_path / "prior.safetensors", convert(network, TINY))
    take_over(net, load_beginning(tmp_path / "prior.safetensors", config))
    ws = torch.randn(2, config.num_ws, 6)
    assert torch.equal(net.synthesis(ws), generator.synthesis(ws))
    assert torch.equal(net.w_avg, generator.mapping.w_avg)


def test_what_is_expected_by_default_is_the_published_decoder() -> None:
    from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig

    prior, lip_sync = PriorConfig(), StyleLipSyncConfig()
    assert prior.channels == lip_sync.channels
    assert (prior.resolution, prior.w_dim) == (lip_sync.resolution, lip_sync.w_dim)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_state_dict_needs_no_mapping_network(suffix: str, generator: Generator, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    state = {key: value for key, value in generator.state_dict().items() if not key.startswith("mapping.fc")}
    path = tmp_path / f"network{suffix}"
    torch.save({"G_ema": state}, path) if suffix == ".pth" else save_file(state, path)
    prior = convert(path, TINY)
    ws = torch.randn(1, generator.synthesis.num_ws, TINY.w_dim)
    again = Generator(TINY).synthesis
    again.load_state_dict(prior.synthesis_state)
    assert torch.equal(again(ws), generator.synthesis(ws))
    with pytest.raises(BenchError, match="decoder alone"):
        prior.generator()


def test_wrong_sizes_are_named_with_what_was_expected(network: Path) -> None:
    with pytest.raises(BenchError, match="images of 16 px, expected 256 px"):
        convert(network)
    with pytest.raises(BenchError, match=r"channel base 128 \(8 channels at 16 px\), expected 64 \(4 channels\)"):
        convert(network, TINY.model_copy(update={"channel_base": 64}))
    with pytest.raises(BenchError, match="latents of 6 values, expected 8"):
        convert(network, TINY.model_copy(update={"w_dim": 8}))


def test_another_resampling_filter_is_refused(writer: AdaWriter, generator: Generator, tmp_path: Path) -> None:
    generator.synthesis.b8.resample_filter.fill_(1 / 16)
    writer.dump({"G_ema": writer.wrap(generator)}, tmp_path / "box.pkl")
    with pytest.raises(BenchError, match="another filter"):
        convert(tmp_path / "box.pkl", TINY)


class Hostile:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("place", ["top", "state", "source", "storage"])
def test_hostile_pickles_run_nothing(place: str, writer: AdaWriter, generator: Generator, tmp_path: Path) -> None:
    proof, path = tmp_path / "proof", tmp_path / "hostile.pkl"
    bomb = Hostile(os.system, f"touch {proof}")
    network = writer.wrap(generator)
    content: dict[str, Any] = {"G_ema": network}
    if place == "top":
        content["G"] = bomb
    elif place == "state":
        network.meta["state"]["_buffers"]["extra"] = bomb
    elif place == "source":
        network.meta["module_src"] = bomb
    else:
        inner = io.BytesIO()
        torch.save(bomb, inner, _use_new_zipfile_serialization=False)
        network.meta["state"]["_buffers"]["extra"] = Hostile(torch.storage._load_from_bytes, inner.getvalue())
    writer.dump(content, path)
    with pytest.raises(RefusedFileError, match="nothing in it was run"):
        convert(path, TINY)
    assert not proof.exists()


@pytest.mark.parametrize("function", [eval, exec, getattr, __import__])
def test_builtins_are_refused(function: Any, tmp_path: Path) -> None:
    path = tmp_path / "hostile.pkl"
    path.write_bytes(pickle.dumps({"G_ema": Hostile(function, "1")}))
    with pytest.raises(RefusedFileError, match=r"it asks for builtins\."):
        read_network(path)


def test_library_functions_become_inert(tmp_path: Path) -> None:
    target = tmp_path / "saved.npy"
    path = tmp_path / "hostile.pkl"
    path.write_bytes(pickle.dumps({"G_ema": Hostile(np.save, str(target), 1)}))
    with pytest.raises(RefusedFileError, match="no network 'G_ema'"):
        read_network(path)
    assert not target.exists()


def test_a_network_inside_itself_is_refused(writer: AdaWriter, generator: Generator, tmp_path: Path) -> None:
    network = writer.wrap(generator)
    inner = network.meta["state"]["_modules"]["synthesis"]
    network.meta["state"]["_modules"]["again"] = inner
    writer.dump({"G_ema": network}, tmp_path / "twice.pkl")
    with pytest.raises(RefusedFileError, match="part of itself or of two"):
        convert(tmp_path / "twice.pkl", TINY)


def test_a_tensor_outside_its_storage_is_refused(tmp_path: Path) -> None:
    inner = io.BytesIO()
    torch.save(torch.zeros(4).storage(), inner, _use_new_zipfile_serialization=False)
    storage = Hostile(torch.storage._load_from_bytes, inner.getvalue())
    for offset, size, stride in (
        (0, (5,), (1,)),
        (-1, (2,), (1,)),
        (0, (2, 2), (4, 1)),
        (0, (2,), (-1,)),
        (0, (9,), (0,)),
    ):
        tensor = Hostile(torch._utils._rebuild_tensor_v2, storage, offset, size, stride, False, OrderedDict())
        path = tmp_path / "hostile.pkl"
        path.write_bytes(pickle.dumps({"G_ema": tensor}))
        with pytest.raises(RefusedFileError, match=r"outside its storage|has size"):
            read_network(path)


def test_broken_and_missing_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"no network at .*missing\.pkl"):
        convert(tmp_path / "missing.pkl")
    for suffix, message in ((".pkl", "is refused"), (".pth", "refused|no PyTorch file"), (".safetensors", "no safet")):
        path = tmp_path / f"broken{suffix}"
        path.write_bytes(b"\x80\x04nonsense")
        with pytest.raises(BenchError, match=message):
            convert(path)
