"""Wav2Lip's weights on disk: the published layout, read without running any of it, and the project's safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.weights import fill_model, read_labelled, read_torch, save_weights
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
    save_weights(net.state_dict(), path, {"format": FORMAT, "divide": str(net.divide), **facts}, half=True)


def load_wav2lip(path: Path) -> Wav2LipWeights:
    """Load either layout by its suffix. Raises `BenchError` for anything that is not Wav2Lip's generator."""
    if not path.is_file():
        raise BenchError(
            f"no Wav2Lip weights at {path}: take wav2lip.pth or wav2lip_gan.pth of the authors, or train some with "
            "`bench train wav2lip`"
        )
    return _load_ours(path) if path.suffix == ".safetensors" else _load_published(path)


def _load_ours(path: Path) -> Wav2LipWeights:
    facts, state = read_labelled(path, "format", FORMAT)
    divide = facts.get("divide", "")
    if len(divide) > 2 or not divide.isdecimal() or not 1 <= int(divide) <= _MAX_DIVIDE:
        raise BenchError(f"{path} is not of Wav2Lip: divide {shown(divide)!r} in its metadata")
    data, licence = facts.get("trained_on", "unstated"), facts.get("licence", "Apache-2.0")
    net = _fill(path, state, int(divide))
    return Wav2LipWeights(net, facts.get("name", path.stem), data, licence, sha256_file(path))


def _load_published(path: Path) -> Wav2LipWeights:
    content = read_torch(path)
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict):
        raise BenchError(f"{path} is not in the published layout: no dictionary 'state_dict' in it")
    net = _fill(path, {str(key).removeprefix("module."): value for key, value in state.items()}, 1)
    trained_on = "as published by the authors (LRS2)"
    return Wav2LipWeights(net, path.stem, trained_on, "non-commercial research use", sha256_file(path))


def _fill(path: Path, state: Mapping[str, Any], divide: int) -> Wav2LipNet:
    return fill_model(path, state, lambda: Wav2LipNet(divide), "Wav2Lip").requires_grad_(False)
