"""Wav2Lip's weights on disk: the published layout, read without running any of it, and the project's safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.weights import read_safetensors, read_torch, save_weights
from bench_lipsync.harness.util.files import sha256_file
from bench_lipsync.harness.util.sanitize import shown
from bench_lipsync.models.wav2lip.network import Wav2LipNet

FORMAT = "wav2lip-1"
_MAX_DIVIDE = 16


class Wav2LipWeights(NamedTuple):
    """A network in evaluation mode on the CPU, and where its weights come from."""

    net: Wav2LipNet
    name: str
    trained_on: str
    licence: str
    sha256: str


def save_wav2lip(path: Path, net: Wav2LipNet, facts: dict[str, str]) -> None:
    """Write half-precision safetensors; `facts` (`trained_on`, ...) go into the metadata."""
    state = {key: value.half() if value.is_floating_point() else value for key, value in net.state_dict().items()}
    tensors = {key: value.detach().cpu().contiguous() for key, value in state.items()}
    save_weights(tensors, path, {"format": FORMAT, "divide": str(net.divide), **facts})


def load_wav2lip(path: Path) -> Wav2LipWeights:
    """Load either layout by its suffix. Raises `BenchError` for anything that is not Wav2Lip's generator."""
    if not path.is_file():
        raise BenchError(
            f"no Wav2Lip weights at {path}: take wav2lip.pth or wav2lip_gan.pth of the authors, or train some with "
            "`bench train wav2lip`"
        )
    return _load_ours(path) if path.suffix == ".safetensors" else _load_published(path)


def _load_ours(path: Path) -> Wav2LipWeights:
    facts, state = read_safetensors(path)
    divide = facts.get("divide", "")
    if (
        facts.get("format") != FORMAT
        or len(divide) > 2
        or not divide.isdecimal()
        or not 1 <= int(divide) <= _MAX_DIVIDE
    ):
        told_format, told_divide = shown(facts.get("format")), shown(divide)
        raise BenchError(f"{path} is not of Wav2Lip: format {told_format!r}, divide {told_divide!r} in its metadata")
    state = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    told = facts.get("trained_on", "unstated"), facts.get("licence", "Apache-2.0")
    return Wav2LipWeights(_fill(state, int(divide), path), facts.get("name", path.stem), *told, sha256_file(path))


def _load_published(path: Path) -> Wav2LipWeights:
    content = read_torch(path)
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise BenchError(f"{path} is not in the published layout: no dictionary 'state_dict' of tensors in it")
    net = _fill({str(key).removeprefix("module."): value for key, value in state.items()}, 1, path)
    trained_on = "as published by the authors (LRS2)"
    return Wav2LipWeights(net, path.stem, trained_on, "non-commercial research use", sha256_file(path))


def _fill(state: dict[str, Tensor], divide: int, path: Path) -> Wav2LipNet:
    # Random initialisation takes longer than loading.
    with torch.device("meta"):
        net = Wav2LipNet(divide)
    expected = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    given = {key: tuple(value.shape) for key, value in state.items()}
    if given != expected:
        wrong = sorted(key for key in given.keys() | expected.keys() if given.get(key) != expected.get(key))
        raise BenchError(
            f"{path} does not fit Wav2Lip: {len(wrong)} tensors missing, unexpected or of another shape, "
            f"such as {wrong[0]}"
        )
    net.load_state_dict(state, assign=True)
    return net.float().eval().requires_grad_(False)
