"""Weights on disk: the published pickle layout, read without running any of it, and our own safetensors."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from bench_lipsync.harness.api.seen_frames import SeenFrames
from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.serialization.weights import fill_model, load_model, read_torch, save_weights
from bench_lipsync.harness.util.files import sha256_file
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet

FORMAT = "stylelipsync-1"
"""Value of `format` in the metadata of our checkpoints."""


class Adaptation(BaseModel):
    """Footage that weights were adapted on, and how: `harness.api.seen_frames.SeenFrames` with the settings."""

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
    """How these weights were adapted to one speaker; `None` for weights that were not."""


class Checkpoint(NamedTuple):
    """A network with its weights, in evaluation mode on the CPU."""

    net: StyleLipSyncNet
    info: CheckpointInfo
    sha256: str
    """Of the file (of both files for the published layout)."""


def save_checkpoint(path: Path, net: StyleLipSyncNet, info: CheckpointInfo, *, half: bool = False) -> None:
    """Write safetensors with the configuration in the metadata; `half` stores float16 and loads back as float32."""
    metadata = {
        "format": FORMAT,
        "config": net.config.model_dump_json(),
        "info": info.model_dump_json(exclude_none=True),
    }
    save_weights(net.state_dict(), path, metadata, half=half)


def load_checkpoint(path: Path, w_avg: Path | None = None) -> Checkpoint:
    """Load a checkpoint of either layout.

    Args:
        path: Our safetensors, or a published checkpoint.
        w_avg: Mean latent of a published checkpoint; default: `w_avg.pth` beside it. Ours carries its own.

    Raises:
        BenchError: For missing, broken and foreign files.

    """
    if not path.is_file():
        raise BenchError(f"no StyleLipSync weights at {path}: train them with `bench train stylelipsync`")
    if path.suffix != ".safetensors":
        return _load_published(path, w_avg or path.with_name("w_avg.pth"))
    net, facts = load_model(path, ("format", FORMAT), StyleLipSyncConfig, StyleLipSyncNet, "StyleLipSync")
    info = validate(CheckpointInfo, facts.get("info", "{}"), f"{path} has metadata that is not understood")
    return Checkpoint(net, info, sha256_file(path))


def _load_published(path: Path, w_avg: Path) -> Checkpoint:
    if not w_avg.is_file():
        # The published code goes on without it, and then every frame is wrong.
        raise BenchError(f"{path} needs the mean latent in {w_avg}: put the published w_avg.pth there")
    content = read_torch(path)
    if not isinstance(content, dict) or not isinstance(content.get("G"), dict):
        raise BenchError(f"{path} is not in the published layout: no dictionary 'G' in it")
    mean = read_torch(w_avg)
    if not isinstance(mean, dict) or not isinstance(mean.get("w_avg"), Tensor):
        raise BenchError(f"{w_avg} has no tensor 'w_avg' in it")
    state = {str(key).removeprefix("module."): value for key, value in content["G"].items()}
    state["w_avg"] = mean["w_avg"].float().reshape(-1)
    net = fill_model(path, state, lambda: StyleLipSyncNet(StyleLipSyncConfig()), "256 px StyleLipSync")
    info = CheckpointInfo(
        name=path.stem, trained_on="as published by the authors (VoxCeleb2)", licence="research use only"
    )
    return Checkpoint(net, info, hashlib.sha256((sha256_file(path) + sha256_file(w_avg)).encode()).hexdigest())
