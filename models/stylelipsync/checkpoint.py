"""Weights on disk: the published pickle layout, read without running any of it, and our own safetensors."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from bench_lipsync.harness.api.seen_frames import SeenFrames
from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.serialization.weights import read_safetensors, read_torch, save_weights
from bench_lipsync.harness.util.files import sha256_file
from bench_lipsync.harness.util.sanitize import shown
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet

FORMAT = "stylelipsync-1"
"""Value of `format` in the metadata of our checkpoints."""


class Adaptation(BaseModel):
    """What weights were tuned to a person on, and how; `harness.api.seen_frames.SeenFrames` with the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str
    """sha256 of the weights before."""
    base_name: str
    content_hash: str
    """Of the prepared footage, of which frames `start:stop` were used."""
    start: int
    stop: int
    video: str | None = None
    """sha256 of the video file, of which seconds `video_start` to `video_stop` were used."""
    video_start: float = 0.0
    video_stop: float = 0.0
    steps: int
    lambda_sync: float
    lambda_reg: float
    foreign: str
    """The foreign speech of the sync regulariser, `none` without it."""
    settings: str
    """Beginning of the sha256 of all settings."""
    seed: int

    @property
    def seen(self) -> SeenFrames:
        """The frames that must not be scored."""
        return SeenFrames(self.content_hash, self.start, self.stop, self.video, self.video_start, self.video_stop)


class CheckpointInfo(BaseModel):
    """Where weights come from; the metadata of our checkpoints beside the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "stylelipsync"
    trained_on: str = "unstated"
    steps: int = 0
    seed: int = 0
    licence: str = "Apache-2.0"
    adapted: Adaptation | None = None
    """How these weights were tuned to one person; `None` for weights for everybody."""


class Checkpoint(NamedTuple):
    """A network with its weights, in evaluation mode on the CPU."""

    net: StyleLipSyncNet
    info: CheckpointInfo
    sha256: str
    """Of the file (of both files for the published layout)."""


def save_checkpoint(path: Path, net: StyleLipSyncNet, info: CheckpointInfo, *, half: bool = False) -> None:
    """Write safetensors with the configuration in the metadata; `half` stores float16 and loads back as float32."""
    tensors = {key: _stored(value, half) for key, value in net.state_dict().items()}
    metadata = {
        "format": FORMAT,
        "config": net.config.model_dump_json(),
        "info": info.model_dump_json(exclude_none=True),
    }
    save_weights(tensors, path, metadata)


def load_checkpoint(path: Path, w_avg: Path | None = None) -> Checkpoint:
    """Load either layout. `w_avg` defaults to `w_avg.pth` beside a published checkpoint; ours carries its own."""
    if not path.is_file():
        raise BenchError(f"no StyleLipSync weights at {path}: train them with `bench train stylelipsync`")
    return _load_safetensors(path) if path.suffix == ".safetensors" else _load_published(path, w_avg)


def _stored(value: Tensor, half: bool) -> Tensor:
    value = value.detach().cpu().contiguous()
    return value.half() if half and value.is_floating_point() else value.clone()


def _load_safetensors(path: Path) -> Checkpoint:
    metadata, state = read_safetensors(path)
    if metadata.get("format") != FORMAT:
        raise BenchError(f"{path} has format {shown(metadata.get('format'))!r} in its metadata, not {FORMAT!r}")
    source = f"{path} has metadata that is not understood"
    config = validate(StyleLipSyncConfig, metadata.get("config", ""), source)
    info = validate(CheckpointInfo, metadata.get("info", "{}"), source)
    state = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    state.setdefault("w_avg", torch.zeros(config.w_dim))
    return Checkpoint(_build(config, state, path), info, sha256_file(path))


def _load_published(path: Path, w_avg_path: Path | None) -> Checkpoint:
    w_avg_path = w_avg_path or path.with_name("w_avg.pth")
    if not w_avg_path.is_file():
        # The published code goes on without it, and then every frame is wrong.
        raise BenchError(f"{path} needs the mean latent in {w_avg_path}: put the published w_avg.pth there")
    content = read_torch(path)
    if not isinstance(content, dict) or not isinstance(content.get("G"), dict):
        raise BenchError(f"{path} is not in the published layout: no dictionary 'G' in it")
    mean = read_torch(w_avg_path)
    if not isinstance(mean, dict) or not isinstance(mean.get("w_avg"), Tensor):
        raise BenchError(f"{w_avg_path} has no tensor 'w_avg' in it")
    state = {str(key).removeprefix("module."): value for key, value in content["G"].items()}
    config = StyleLipSyncConfig()
    state["w_avg"] = mean["w_avg"].float().reshape(-1)
    if state["w_avg"].numel() != config.w_dim:
        raise BenchError(f"the mean latent for {path} has {state['w_avg'].numel()} values, not {config.w_dim}")
    net = _build(config, state, path)
    info = CheckpointInfo(
        name=path.stem, trained_on="as published by the authors (VoxCeleb2)", licence="research use only"
    )
    return Checkpoint(net, info, hashlib.sha256((sha256_file(path) + sha256_file(w_avg_path)).encode()).hexdigest())


def _build(config: StyleLipSyncConfig, state: dict[str, Tensor], path: Path) -> StyleLipSyncNet:
    # Random initialisation of 138 million parameters takes longer than loading them.
    with torch.device("meta"):
        net = StyleLipSyncNet(config)
    expected = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    if odd := [str(key) for key, value in state.items() if not isinstance(value, Tensor)]:
        raise BenchError(f"{path} is not in the published layout: {odd[0]!r} is no tensor")
    given = {key: tuple(value.shape) for key, value in state.items()}
    if given != expected:
        raise BenchError(f"{path} does not fit {config.resolution} px StyleLipSync: {_difference(given, expected)}")
    net.load_state_dict(state, assign=True)
    return net.float().eval()


def _difference(given: dict[str, tuple[int, ...]], expected: dict[str, tuple[int, ...]]) -> str:
    missing, extra = sorted(expected.keys() - given.keys()), sorted(given.keys() - expected.keys())
    shapes = sorted(key for key in given.keys() & expected.keys() if given[key] != expected[key])
    parts = [("missing", missing), ("unexpected", extra), ("of another shape", shapes)]
    return "; ".join(f"{len(keys)} {what}, such as {keys[0]}" for what, keys in parts if keys)
