"""From a published StyleGAN2-ADA generator to a prior file: what is read, what is held against what is wanted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.serialization.weights import read_safetensors, read_torch
from bench_lipsync.models.stylegan2.network.config import PriorConfig
from bench_lipsync.models.stylegan2.network.resample import binomial_filter
from bench_lipsync.models.stylegan2.network_pickle import read_network
from bench_lipsync.models.stylegan2.prior import Prior, PriorInfo, make_prior, save_prior
from bench_lipsync.models.stylegan2.training.settings import PRESETS

LICENCE = "that of the network it was converted from"


def run(source: Path, out: Path, preset: str = "published") -> Path:
    """Convert `source`, which must have the sizes of `preset`, and return `out`."""
    if preset not in PRESETS:
        raise BenchError(f"no recipe is called {preset!r}; choose {' or '.join(PRESETS)}")
    save_prior(out, convert(source, PRESETS[preset].network))
    return out


def convert(source: Path, expected: PriorConfig | None = None) -> Prior:
    """Read a network pickle (`.pkl`), or a state dict (`.pth`, `.pt`, `.safetensors`) with `synthesis.*` and
    `mapping.w_avg`. `expected` is the published 256 px network by default; z and mapping may have any size.

    Raises `BenchError`, naming what was expected and what was found, for anything else.
    """
    expected = expected or PriorConfig()
    state = {key: value.float() for key, value in _read(source).items() if _wanted(key)}
    config = _check_sizes(state, expected, source)
    for key, value in state.items():
        if key.endswith("resample_filter") and not torch.allclose(value, binomial_filter(), atol=1e-6):
            raise BenchError(f"{source} resamples with another filter than [1, 3, 3, 1] ({key})")
    if not config.mapping_layers:
        state = {key: value for key, value in state.items() if not re.match(r"mapping\.(fc\d|embed)", key)}
    info = PriorInfo(name=source.stem, trained_on="as stated by its publisher", licence=LICENCE)
    return make_prior(state, config, info, str(source))


def _check_sizes(state: dict[str, Tensor], expected: PriorConfig, source: Path) -> PriorConfig:
    """`expected` with the sizes of the mapping network in `state`; raises where the decoder has others."""
    channels = {
        int(match[1]): value.shape[0]
        for key, value in state.items()
        if (match := re.fullmatch(r"synthesis\.b(\d+)\.conv1\.weight", key))
    }
    w_avg = state.get("mapping.w_avg")
    if not channels or w_avg is None:
        missing = "mapping.w_avg, the mean latent" if channels else "synthesis.b4.conv1.weight"
        raise BenchError(f"{source} is no StyleGAN2 generator in the layout of StyleGAN2-ADA: no {missing}")
    top = max(channels)
    if top != expected.resolution:
        raise BenchError(
            f"{source} makes images of {top} px, expected {expected.resolution} px; --preset names other sizes"
        )
    if channels != expected.channels:
        raise BenchError(
            f"{source} has channel base {channels[top] * top} ({channels[top]} channels at {top} px),"
            f" expected {expected.channel_base} ({expected.channels[top]} channels)"
        )
    if w_avg.numel() != expected.w_dim:
        raise BenchError(f"{source} has latents of {w_avg.numel()} values, expected {expected.w_dim}")
    # A conditional mapping network needs a class besides z; its decoder does not.
    conditional = "mapping.embed.weight" in state
    layers = 0 if conditional else sum(bool(re.fullmatch(r"mapping\.fc\d+\.weight", key)) for key in state)
    z_dim = state["mapping.fc0.weight"].shape[1] if layers else expected.z_dim
    return expected.model_copy(update={"z_dim": z_dim, "mapping_layers": layers})


def _wanted(key: str) -> bool:
    return key.startswith(("synthesis.", "mapping."))


def _read(source: Path) -> dict[str, Tensor]:
    if not source.is_file():
        raise BenchError(f"no network at {source}; published ones are named in docs/prior.md")
    if source.suffix == ".pkl":
        return read_network(source)
    content: Any = read_safetensors(source).state if source.suffix == ".safetensors" else read_torch(source)
    if isinstance(content, dict) and not any(_wanted(str(key)) for key in content):
        content = next((content[key] for key in ("G_ema", "g_ema") if key in content), content)
    if not isinstance(content, dict):
        raise BenchError(f"{source} holds a {type(content).__name__}, not a dictionary of tensors")
    return {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
