"""StyleLipSync as a model under test: streams a prepared clip through the network in bounded memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, ModelCard
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.models.audio.mel import clip_windows
from bench_lipsync.models.stylelipsync.adaptable import ADAPTED, Adaptable, told_adaptation
from bench_lipsync.models.stylelipsync.checkpoint import Checkpoint, load_checkpoint
from bench_lipsync.models.stylelipsync.inference.inference import Inference, Precision, prepare_inference
from bench_lipsync.models.stylelipsync.inference.latents import LatentStream
from bench_lipsync.models.stylelipsync.mask.face import NeutralFace
from bench_lipsync.models.stylelipsync.mask.mask import keep_planes
from bench_lipsync.models.stylelipsync.mask.paste import clip_keep_planes
from bench_lipsync.models.stylelipsync.mask.predictor import find_face
from bench_lipsync.models.stylelipsync.network.tone import masked_input, tone_of
from bench_lipsync.models.stylelipsync.variants import (
    ABLATIONS,
    check_variant,
    demo_weights,
    describe,
    take_apart,
    train_command,
)
from bench_lipsync.models.vision.frames import composite, resize, to_tensor, to_uint8
from bench_lipsync.models.vision.mouth import mouth_squares

DEMO_WEIGHTS = Path(__file__).with_name("weights") / "demo.safetensors"
"""The checkpoint that comes with the package: small, trained on the demo set only."""
DEMO_CAVEAT = (
    "these are the demo weights, trained on a few rendered people; their numbers say nothing about the published model."
    " Yours go behind the name: --model stylelipsync:CHECKPOINT"
)
VERSION = "4"
"""Raised whenever the same weights would give other frames."""


class _Job(NamedTuple):
    net: Inference
    face: NeutralFace
    latents: LatentStream
    tone: Tensor
    """(1, 3, 1, 1)"""


class StyleLipSync(Adaptable):
    """`weights`: our safetensors, or a published checkpoint with `w_avg.pth` beside it; default: the demo weights.

    `variant` (`no-mals`, `no-samf+box`, ...) asks for weights that were trained with these switches; with `weights`
    and without `variant` the switches are those that the weights say. Its words `bf16` and `compiled` choose the
    arithmetic, as in `models.stylelipsync.inference.inference`.
    """

    ablations: ClassVar[Mapping[str, str]] = ABLATIONS

    def __init__(self, weights: Path | str | None = None, variant: str = "") -> None:
        variant, precision, compiled = take_apart(variant)
        demo = demo_weights(variant) if variant else DEMO_WEIGHTS
        path = Path(weights) if weights is not None else demo
        if weights is None and not path.is_file():
            raise BenchError(
                f"the demo weights {path.name} of stylelipsync are not in this installation; train them with "
                f"`{train_command(variant.split('+') if variant else ())}` and copy the result to {path}"
            )
        self._net, self._info, self._sha256 = load_checkpoint(path)
        if variant:
            check_variant(self._net.config, variant, path.name)
        self._caveat = DEMO_CAVEAT if weights is None else ""
        self._how: tuple[Precision, bool] = (precision, compiled)
        self._ready: tuple[str, Inference] | None = None

    @property
    def card(self) -> ModelCard:
        """What the weights were trained on and at which size they work."""
        size = self._net.config.resolution
        how = describe(self._net.config) + self._told_arithmetic()
        return ModelCard(
            name="stylelipsync",
            kind="model",
            description=f"StyleLipSync (Ki and Min, ICCV 2023) at {size} px{how}",
            native_size=size,
            licence=self._info.licence,
            trained_on=self._info.trained_on + told_adaptation(self._info),
            weights=f"{self._info.name}@{self._sha256[:8]}",
            caveat=self._caveat,
            gt_leak="first frame unmasked as the reference; upper face and surroundings of every frame",
        )

    @property
    def checkpoint(self) -> Checkpoint:
        """The network with its weights and where they come from."""
        return Checkpoint(self._net, self._info, self._sha256)

    @property
    def settings(self) -> dict[str, object]:
        """Sizes and switches of the network, and how it is computed."""
        return {**self._net.config.model_dump(mode="json"), "arithmetic": self._how[0]}

    def adapted(self, folder: Path) -> StyleLipSync:
        """The model with the weights that `adapt` wrote into `folder`."""
        precision, compiled = self._how
        return StyleLipSync(folder / ADAPTED, "+".join((precision, *(["compiled"] if compiled else []))))

    def fingerprint(self) -> str:
        """Of the weights, the configuration and the code's version."""
        parts = (VERSION, self._sha256, self._net.config.model_dump_json(), *map(str, self._how))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _told_arithmetic(self) -> str:
        precision, compiled = self._how
        return (", in bfloat16" if precision == "bf16" else "") + (", compiled" if compiled else "")

    def _prepared(self, device: str) -> Inference:
        """The network ready to generate on `device`, prepared once for all clips."""
        if self._ready is None or self._ready[0] != device:
            self._ready = (device, prepare_inference(self._net.to(device), *self._how))
        return self._ready[1]

    def _start(self, clip: PreparedClip, audio: NDArray[np.int16], device: str) -> _Job:
        if clip.frames < 2:
            raise ClipError(Status.TOO_SHORT, f"{clip.frames} frame; stylelipsync smooths over at least 2")
        net = self._prepared(device)
        first = next(iter(clip.read_frames(stop=1, chunk=1)))
        reference = to_tensor(resize(first, net.config.resolution)).to(device)
        mouth = torch.from_numpy(mouth_squares(clip.faces.landmarks[:1] / np.float32(clip.size)))
        tone = tone_of(net.config, reference, mouth.to(device))
        face = find_face(clip, self._net.config.mesh)
        # Only here: a network that was moved in inference mode could not be adapted afterwards.
        with torch.inference_mode():
            identity = net.lip_encoder(reference - tone)[:, None]
        return _Job(net, face, LatentStream(net, clip_windows(audio, clip.frames), identity), tone)

    def keep(self, clip: PreparedClip, start: int, stop: int) -> NDArray[np.float32]:
        """What `generate` keeps of frames `start:stop`, for pasting into the full frame: `clip_keep_planes`."""
        return clip_keep_planes(clip, self._net.config.mask, start, stop, self._net.config.mesh)

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield chunks of `context.batch_size` frames, on a CPU the same to the bit whatever that number is.

        Deterministic: the decoder's noise is constant. An accelerator decodes a chunk at once, and may round otherwise.
        """
        job = self._start(clip, audio, context.device)
        start = 0
        for truth in clip.read_frames(chunk=context.batch_size):
            stop = start + len(truth)
            keep = keep_planes(job.face.span(start, stop), job.net.config.mask, len(truth))
            yield composite(_decode(job, truth, keep, job.latents.span(start, stop)), truth, keep)
            start = stop


@torch.inference_mode()
def _decode(job: _Job, truth: NDArray[np.uint8], keep: NDArray[np.float32], ws: Tensor) -> NDArray[np.uint8]:
    size = job.net.config.resolution
    frames = to_tensor(resize(truth, size)).to(ws.device)
    plane = torch.from_numpy(np.ascontiguousarray(resize(keep, size)))[:, None].to(ws.device)
    masked = masked_input(job.net.config, frames, plane, job.tone)
    return to_uint8(job.net.decode(masked, ws) + job.tone)
