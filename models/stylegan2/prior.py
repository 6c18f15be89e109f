"""Prior files: a trained StyleGAN2 generator as safetensors, from which StyleLipSync's decoder begins."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from bench_lipsync.harness.errors import BenchError, validate
from bench_lipsync.harness.serialization.weights import read_labelled, save_weights
from bench_lipsync.models.stylegan2.network.config import PriorConfig
from bench_lipsync.models.stylegan2.network.generator import Generator
from bench_lipsync.models.stylegan2.network.synthesis import Synthesis

FORMAT = "stylegan2-prior-1"
"""Value of `format` in the metadata."""


class PriorInfo(BaseModel):
    """Where the weights come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "stylegan2"
    trained_on: str = "unstated"
    kimg: float = 0.0
    seed: int = 0
    licence: str = "Apache-2.0"


class Prior(NamedTuple):
    """A generator's weights, float32 on the CPU."""

    synthesis_state: dict[str, Tensor]
    """State of `models.stylegan2.network.synthesis.Synthesis`, buffers included."""
    w_avg: Tensor
    """(w_dim,): mean latent"""
    config: PriorConfig
    mapping_state: dict[str, Tensor]
    """State of `models.stylegan2.network.mapping.Mapping`; only `w_avg` where `config.mapping_layers` is 0."""
    info: PriorInfo

    def generator(self) -> Generator:
        """The whole generator, in evaluation mode. Raises `BenchError` if the file has no mapping network."""
        if not self.config.mapping_layers:
            raise BenchError(f"the prior {self.info.name} was made of a decoder alone and cannot draw new latents")
        generator = Generator(self.config)
        generator.synthesis.load_state_dict(self.synthesis_state)
        generator.mapping.load_state_dict(self.mapping_state)
        return generator.eval().requires_grad_(False)


def save_prior(path: Path, prior: Prior, *, half: bool = False) -> None:
    """Write `prior`; `half` stores float16, which `load_prior` gives back as float32."""
    tensors = {f"synthesis.{key}": value for key, value in prior.synthesis_state.items()}
    tensors |= {f"mapping.{key}": value for key, value in prior.mapping_state.items()}
    tensors |= {"mapping.w_avg": prior.w_avg}
    metadata = {"format": FORMAT, "config": prior.config.model_dump_json(), "info": prior.info.model_dump_json()}
    save_weights(tensors, path, metadata, half=half)


def load_prior(path: Path) -> Prior:
    """Read what `save_prior` wrote. Raises `BenchError` for a missing, foreign or incomplete file."""
    if not path.is_file():
        raise BenchError(
            f"no StyleGAN2 prior at {path}: `bench train stylegan2` or `bench convert stylegan2` makes one"
        )
    facts, state = read_labelled(path, "format", FORMAT)
    source = f"{path} has metadata that is not understood"
    config = validate(PriorConfig, facts.get("config", ""), source)
    info = validate(PriorInfo, facts.get("info", "{}"), source)
    return make_prior(state, config, info, str(path))


def make_prior(state: dict[str, Tensor], config: PriorConfig, info: PriorInfo, origin: str) -> Prior:
    """Sort `state` (`synthesis.*`, `mapping.*`) and hold it against `config`; `origin` names it in errors."""
    parts = {
        part: {key.removeprefix(part): value for key, value in state.items() if key.startswith(part)}
        for part in ("synthesis.", "mapping.")
    }
    synthesis, mapping = parts["synthesis."], parts["mapping."]
    # Made with memory: PyTorch's "meta" device would load its compiler first, which takes longer.
    expected = Synthesis(config.resolution, config.w_dim, config.channels).state_dict()
    wanted = {key: tuple(value.shape) for key, value in expected.items()}
    present = {key: tuple(value.shape) for key, value in synthesis.items()}
    if wanted != present:
        key = sorted(set(wanted.items()) ^ set(present.items()))[0][0]
        raise BenchError(
            f"{origin} is no {config.resolution} px generator of channel base {config.channel_base}:"
            f" synthesis.{key} is {present.get(key, 'missing')}, expected {wanted.get(key, 'nothing of that name')}"
        )
    w_avg = mapping.get("w_avg")
    if w_avg is None or tuple(w_avg.shape) != (config.w_dim,):
        shape = "missing" if w_avg is None else f"{tuple(w_avg.shape)}"
        raise BenchError(f"{origin}: mapping.w_avg, the mean latent, is {shape}, expected {(config.w_dim,)}")
    return Prior(synthesis, w_avg, config, mapping, info)
