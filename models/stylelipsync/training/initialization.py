"""What a training run begins from: a StyleLipSync checkpoint, also of other switches, or a StyleGAN2 prior."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.weights import read_safetensors
from bench_lipsync.models.stylegan2.network.layers import FullyConnected, StyledConv, ToRGB
from bench_lipsync.models.stylegan2.prior import load_prior
from bench_lipsync.models.stylelipsync.checkpoint import FORMAT, load_checkpoint
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet
from bench_lipsync.models.stylelipsync.network.samf import StyleAwareMaskedFusion

SWITCHES = frozenset({"mals", "fusion", "mask", "mesh"})
"""Fields of the configuration in which the beginning may differ: they leave most weights as they are."""
_EQUALISED = (FullyConnected, StyledConv, ToRGB, StyleAwareMaskedFusion)


class Beginning(NamedTuple):
    """Weights to begin from."""

    state: dict[str, Tensor]
    """By the names of `StyleLipSyncNet`; some or all of them."""
    note: str
    """What was taken from where, for the log."""


def load_beginning(path: Path, config: StyleLipSyncConfig) -> Beginning:
    """Weights of the file `path` for a network of `config`. Raises `BenchError` where the sizes differ."""
    if path.suffix == ".safetensors" and path.is_file() and _format(path) != FORMAT:
        return _from_prior(path, config)
    return from_net(load_checkpoint(path).net, config, path.name)


def from_net(net: StyleLipSyncNet, config: StyleLipSyncConfig, name: str = "another network") -> Beginning:
    """Weights of `net` for a network of `config`, which may have other switches."""
    wanted, own = config.model_dump(), net.config.model_dump()
    other = sorted(key for key in wanted if wanted[key] != own[key])
    sizes = [key for key in other if key not in SWITCHES]
    if sizes:
        raise BenchError(
            f"the weights to begin from are of another network: {', '.join(sizes)} differ; choose their preset"
        )
    note = f"begun from {name}"
    if other:
        changes = ", ".join(f"{key} {own[key]} -> {wanted[key]}" for key in other)
        note += f" with other switches ({changes})"
    return Beginning(net.state_dict(), note)


def take_over(net: StyleLipSyncNet, beginning: Beginning) -> str:
    """Copy what `net` has too; says what was copied and what of `net` is new."""
    own = net.state_dict()
    both = {key: value for key, value in beginning.state.items() if key in own}
    net.load_state_dict(both, strict=False)
    new = sorted({key.rsplit(".", 1)[0] for key in own.keys() - both.keys()})
    left = f"; new are the {len(own) - len(both)} of {', '.join(_short(new))}" if new else ""
    return f"{beginning.note}: {len(both)} of {len(own)} tensors{left}"


def widen_codes(net: StyleLipSyncNet) -> None:
    """Let codes leave the encoders and pass MaLS with their variance kept, so that they matter from the first step.

    PyTorch's own beginning divides the variance by three at each layer.
    """
    layers: list[Any] = [net.lip_encoder.fcs[1], net.audio_encoder.audio_encoder.fc[2]]
    if net.config.mals:
        layers += [module for module in net.mals.modules() if isinstance(module, nn.Conv1d)]
    for layer in layers:
        nn.init.normal_(layer.weight, std=1.0 / math.sqrt(layer.weight[0].numel()))


def begin_grey(net: StyleLipSyncNet) -> None:
    """Let the first images be nearly grey.

    At unit size they are noise of three times an image's contrast, and the quickest way for the decoder to be rid of
    it is to silence its own features, from which it hardly recovers.
    """
    for module in net.modules():
        if isinstance(module, ToRGB):
            nn.init.normal_(module.weight, std=0.1)


def equalised_parameters(net: StyleLipSyncNet) -> set[nn.Parameter]:
    """Parameters that StyleGAN2's layers hold at unit size and scale down when used; they want larger steps."""
    equalised = {parameter for name, parameter in net.named_parameters() if name == "synthesis.b4.const"}
    for module in net.modules():
        if isinstance(module, _EQUALISED):
            equalised.update(module.parameters(recurse=False))
    return equalised


def _from_prior(path: Path, config: StyleLipSyncConfig) -> Beginning:
    prior = load_prior(path)
    own = {"resolution": config.resolution, "w_dim": config.w_dim, "channels": config.channels}
    offered = {key: getattr(prior.config, key) for key in own}
    for key, value in own.items():
        if offered[key] != value:
            raise BenchError(f"the prior {path.name} has {key} {offered[key]}, the network to train {value}")
    state = {f"synthesis.{key}": value for key, value in prior.synthesis_state.items()}
    state["w_avg"] = prior.w_avg.float().reshape(-1)
    return Beginning(state, f"begun from the StyleGAN2 prior {path.name}")


def _format(path: Path) -> str | None:
    return read_safetensors(path).facts.get("format")


def _short(names: list[str]) -> list[str]:
    """The parts of the network that `names` are in: `mals` of `mals.0.conv.0`."""
    parts = {".".join(name.split(".")[:2]) if "f_mix" in name else name.split(".")[0] for name in names}
    return sorted(parts)
