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
from bench_lipsync.harness.api.model import AdaptRequest, GenerateContext, ModelCard
from bench_lipsync.harness.api.seen_frames import SeenFrames
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.models.audio.mel import clip_windows
from bench_lipsync.models.stylelipsync.adaptation.settings import AdaptSettings, preset
from bench_lipsync.models.stylelipsync.checkpoint import CheckpointInfo
from bench_lipsync.models.stylelipsync.inference.inference import Inference, prepare_inference
from bench_lipsync.models.stylelipsync.inference.latents import LatentStream
from bench_lipsync.models.stylelipsync.mask.face import NeutralFace
from bench_lipsync.models.stylelipsync.mask.mask import keep_planes
from bench_lipsync.models.stylelipsync.mask.paste import clip_keep_planes
from bench_lipsync.models.stylelipsync.mask.predictor import find_face, mesh_predictor
from bench_lipsync.models.stylelipsync.network.tone import masked_input, tone_of
from bench_lipsync.models.stylelipsync.variants import ABLATIONS, RAW, demo_weights, describe, load_named_checkpoint
from bench_lipsync.models.training.settings import change_settings
from bench_lipsync.models.vision.frames import composite, resize, to_tensor, to_uint8
from bench_lipsync.models.vision.mouth import mouth_squares

DEMO_WEIGHTS = demo_weights("")
"""The checkpoint that comes with the package: small, trained on the demo set only."""
DEMO_CAVEAT = (
    "these are the demo weights, trained on a few rendered people; their numbers say nothing about the published model."
    " Yours go behind the name: --model stylelipsync:CHECKPOINT"
)
ADAPTED = "adapted.safetensors"
"""What `adapt` writes into its folder."""
ADAPT_VERSION = "1"
"""Raised whenever adapting with the same settings would give other weights."""
VERSION = "4"
"""Raised whenever the same weights would give other frames."""


class _Job(NamedTuple):
    net: Inference
    face: NeutralFace
    latents: LatentStream
    tone: Tensor
    """(1, 3, 1, 1)"""


class StyleLipSync:
    """`weights`: our safetensors, or a published checkpoint with `w_avg.pth` beside it; default: the demo weights.

    `variant` (`no-mals`, `no-fusion+half-frame`, ...) asks for weights that were trained with these switches; with
    `weights` and without `variant` the switches are those that the weights say. Its words `bf16` and `compiled` choose
    the arithmetic, as in `models.stylelipsync.inference.inference`; `raw` leaves out pasting the result into the frame.
    """

    ablations: ClassVar[Mapping[str, str]] = ABLATIONS

    def __init__(self, weights: Path | str | None = None, variant: str = "") -> None:
        self._checkpoint, self._precision, self._compiled, self._raw = load_named_checkpoint(weights, variant)
        # Files that masks are drawn with and that are not there end a run here, not clip by clip.
        mesh_predictor(self._checkpoint.net.config.mesh)
        self._caveat = DEMO_CAVEAT if weights is None else ""
        self._ready: tuple[str, Inference] | None = None

    @property
    def card(self) -> ModelCard:
        """What the weights were trained on and at which size they work."""
        net, info, sha256 = self._checkpoint
        size = net.config.resolution
        half = ", in bfloat16" if self._precision == "bf16" else ""
        how = describe(net.config) + half + (", compiled" if self._compiled else "")
        how += ", raw output that is not pasted into the frame" if self._raw else ""
        return ModelCard(
            name="stylelipsync",
            kind="model",
            description=f"StyleLipSync (Ki and Min, ICCV 2023) at {size} px{how}",
            native_size=size,
            licence=info.licence,
            trained_on=info.trained_on + _adaptation_phrase(info),
            weights=f"{info.name}@{sha256[:8]}",
            caveat=self._caveat,
            gt_leak="first frame unmasked as the reference; upper face and surroundings of every frame",
        )

    @property
    def seen(self) -> tuple[SeenFrames, ...]:
        """The footage that the weights were adapted on, which must not be scored."""
        return () if self._checkpoint.info.adapted is None else (self._checkpoint.info.adapted.seen,)

    def adapt_settings(self, request: AdaptRequest) -> AdaptSettings:
        """The recipe for a network of this size, with what `request` changes; `BenchError` for wrong settings."""
        arms = {"lambda_reg": request.regularise, "lambda_sync": request.synchronise}
        off = {name: 0.0 for name, on in arms.items() if not on}
        changes = {**request.settings, "seed": request.seed, "steps": request.steps, **off}
        source = "the adaptation's settings are not valid"
        return change_settings(preset(self._checkpoint.net.config), changes, source)

    def adaptation_key(self, request: AdaptRequest) -> str:
        """Settings and versions; `fingerprint` says which weights it begins from."""
        from bench_lipsync.models.stylelipsync.training.data import DATA_VERSION

        return f"{ADAPT_VERSION}|{DATA_VERSION}|{self.adapt_settings(request).model_dump_json()}"

    def describe_adaptation(self, request: AdaptRequest) -> str:
        """Steps and weights of the losses."""
        settings = self.adapt_settings(request)
        reg = f"sync regulariser {settings.lambda_reg:g}" if settings.lambda_reg else "no sync regulariser"
        sync = "" if settings.lambda_sync else ", no sync loss on the own audio"
        form = ", sync loss 1 - cosine" if settings.sync_loss == "cosine" else ""
        rate = f"learning rate {settings.lr:g}" + (" throughout" if settings.schedule == "constant" else "")
        return f"synthesis network only, {settings.steps} steps, {rate}, {reg}{sync}{form}"

    def adapt(self, footage: PreparedClip, frames: tuple[int, int], request: AdaptRequest, folder: Path) -> None:
        """Write `ADAPTED` into `folder`; goes on from an interrupted call. See `adaptation.adapt`.

        With a constant learning rate also those of `request.earlier`.
        """
        from bench_lipsync.models.stylelipsync.adaptation.adapt import adapt

        settings, earlier = self.adapt_settings(request), {}
        if settings.schedule == "constant":
            earlier = {
                count: folder / "steps" / str(count) / ADAPTED for count in request.earlier if count < settings.steps
            }
        adapt(self._checkpoint, footage, frames, settings, folder / ADAPTED, device=request.device, earlier=earlier)

    @property
    def settings(self) -> dict[str, object]:
        """Sizes and switches of the network, and how it is computed."""
        output = {"output": RAW} if self._raw else {}
        return {**self._checkpoint.net.config.model_dump(mode="json"), "arithmetic": self._precision, **output}

    def adapted(self, folder: Path) -> StyleLipSync:
        """The model with the weights that `adapt` wrote into `folder`."""
        words = (self._precision, *(["compiled"] if self._compiled else []), *([RAW] if self._raw else []))
        return StyleLipSync(folder / ADAPTED, "+".join(words))

    def fingerprint(self) -> str:
        """Of the weights, the configuration and the code's version."""
        net, _, sha256 = self._checkpoint
        parts = [VERSION, sha256, net.config.model_dump_json(), self._precision, str(self._compiled)]
        parts += [RAW] if self._raw else []
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _prepared(self, device: str) -> Inference:
        """The network ready to generate on `device`, prepared once for all clips."""
        if self._ready is None or self._ready[0] != device:
            self._ready = (device, prepare_inference(self._checkpoint.net.to(device), self._precision, self._compiled))
        return self._ready[1]

    def _start(self, clip: PreparedClip, audio: NDArray[np.int16], device: str) -> _Job:
        if clip.frames < 2:
            raise ClipError(Status.TOO_SHORT, f"{clip.frames} frame; stylelipsync smooths over at least 2")
        net = self._prepared(device)
        first = next(iter(clip.read_frames(stop=1, chunk=1)))
        reference = to_tensor(resize(first, net.config.resolution)).to(device)
        mouth = torch.from_numpy(mouth_squares(clip.faces.landmarks[:1] / np.float32(clip.size)))
        tone = tone_of(net.config, reference, mouth.to(device))
        face = find_face(clip, self._checkpoint.net.config.mesh)
        # Only here: a network that was moved in inference mode could not be adapted afterwards.
        with torch.inference_mode():
            identity = net.lip_encoder(reference - tone)[:, None]
        return _Job(net, face, LatentStream(net, clip_windows(audio, clip.frames), identity), tone)

    def keep(self, clip: PreparedClip, start: int, stop: int) -> NDArray[np.float32]:
        """What `generate` keeps of frames `start:stop`, for pasting into the full frame: `clip_keep_planes`.

        Zeros for the raw output, which keeps nothing.
        """
        if self._raw:
            return np.zeros((stop - start, clip.size, clip.size), np.float32)
        return clip_keep_planes(clip, self._checkpoint.net.config.mask, start, stop, self._checkpoint.net.config.mesh)

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
            drawn = _decode(job, truth, keep, job.latents.span(start, stop))
            yield resize(drawn, clip.size) if self._raw else composite(drawn, truth, keep)
            start = stop


@torch.inference_mode()
def _decode(job: _Job, truth: NDArray[np.uint8], keep: NDArray[np.float32], ws: Tensor) -> NDArray[np.uint8]:
    size = job.net.config.resolution
    frames = to_tensor(resize(truth, size)).to(ws.device)
    plane = torch.from_numpy(np.ascontiguousarray(resize(keep, size)))[:, None].to(ws.device)
    masked = masked_input(job.net.config, frames, plane, job.tone)
    return to_uint8(job.net.decode(masked, ws) + job.tone)


def _adaptation_phrase(info: CheckpointInfo) -> str:
    """What the card says after `trained_on`; empty for weights that are not adapted."""
    adapted = info.adapted
    if adapted is None:
        return ""
    footage = f"{adapted.seen.seconds:g} s of footage {adapted.content_hash[:8]}"
    return f", then tuned to one person on {footage} ({adapted.steps} steps, lambda_reg {adapted.lambda_reg:g})"
