"""StyleLipSync as a model that can be tuned to a person: `AdaptableModel` but for loading the result."""

from __future__ import annotations

from pathlib import Path

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import AdaptRequest
from bench_lipsync.harness.api.seen_frames import SeenFrames
from bench_lipsync.models.stylelipsync.adaptation.settings import AdaptSettings, preset
from bench_lipsync.models.stylelipsync.checkpoint import Checkpoint, CheckpointInfo

ADAPTED = "adapted.safetensors"
"""What `adapt` writes into its folder."""
ADAPT_VERSION = "1"
"""Raised whenever adapting with the same settings would give other weights."""


class Adaptable:
    """For a model that has a `checkpoint`."""

    @property
    def checkpoint(self) -> Checkpoint:
        """The network with its weights and where they come from."""
        raise NotImplementedError

    @property
    def seen(self) -> tuple[SeenFrames, ...]:
        """The footage that the weights were tuned on, which must not be scored."""
        return () if self.checkpoint.info.adapted is None else (self.checkpoint.info.adapted.seen,)

    def adapt_settings(self, request: AdaptRequest) -> AdaptSettings:
        """The recipe for a network of this size, with what `request` changes."""
        changes: dict[str, object] = {"seed": request.seed}
        if request.steps is not None:
            changes["steps"] = request.steps
        if not request.regularise:
            changes["lambda_reg"] = 0.0
        return preset(self.checkpoint.net.config).model_copy(update=changes)

    def adaptation_key(self, request: AdaptRequest) -> str:
        """Settings and versions; `fingerprint` says which weights it begins from."""
        from bench_lipsync.models.training.clip_arrays import DATA_VERSION

        return f"{ADAPT_VERSION}|{DATA_VERSION}|{self.adapt_settings(request).model_dump_json()}"

    def describe_adaptation(self, request: AdaptRequest) -> str:
        """Steps and weights of the losses."""
        settings = self.adapt_settings(request)
        reg = f"sync regulariser {settings.lambda_reg:g}" if settings.lambda_reg else "no sync regulariser"
        return f"synthesis network only, {settings.steps} steps, learning rate {settings.lr:g}, {reg}"

    def adapt(self, footage: PreparedClip, frames: tuple[int, int], request: AdaptRequest, folder: Path) -> None:
        """Write `ADAPTED` into `folder`; goes on from an interrupted call. See `adaptation.adapt`."""
        from bench_lipsync.models.stylelipsync.adaptation.adapt import adapt

        out = folder / ADAPTED
        adapt(self.checkpoint, footage, frames, self.adapt_settings(request), out, device=request.device)


def told_adaptation(info: CheckpointInfo) -> str:
    """What a card says behind `trained_on`; empty for weights for everybody."""
    told = info.adapted
    if told is None:
        return ""
    footage = f"{told.seen.seconds:g} s of footage {told.content_hash[:8]}"
    return f", then tuned to one person on {footage} ({told.steps} steps, lambda_reg {told.lambda_reg:g})"
