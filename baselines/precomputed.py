"""`precomputed:DIR`: scores videos made elsewhere like the output of a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, ModelCard, VariantError
from bench_lipsync.harness.errors import suggest
from bench_lipsync.harness.predictions.files import PredictedFiles
from bench_lipsync.harness.predictions.video import GEOMETRIES, RULE, PredictedVideo


class Precomputed:
    """A folder of videos, matched to clips by their names; `harness.predictions.video` checks them.

    The variants `@crop` and `@frame` state what the frames show where their size leaves it open.
    """

    def __init__(self, folder: str = "", variant: str = "") -> None:
        """Find the videos below a folder.

        Raises:
            VariantError: `folder` is no folder or holds no video, or `variant` is unknown.
        """
        if variant and variant not in GEOMETRIES:
            raise VariantError(f"precomputed has no variant {variant}; {suggest(variant, GEOMETRIES)}")
        root = Path(folder)
        if not folder or not root.is_dir():
            raise VariantError(f"precomputed:{folder} needs a folder of videos, for example precomputed:results/mine")
        self._files = PredictedFiles(root)
        if not self._files.files:
            raise VariantError(f"precomputed:{folder}: no videos below that folder")
        self._geometry = variant
        self._notes: dict[str, tuple[str, ...]] = {}
        self.card = ModelCard(
            name="precomputed",
            kind="precomputed",
            description=f"{len(self._files.files)} videos that were made elsewhere",
            licence="unstated",
            trained_on="unknown",
            weights="unknown",
            seed_controlled=False,
            gt_leak="unknown",
            caveat=" ".join(("made elsewhere: how, and from what, is not known here.", *self._files.notices)),
        )

    def fingerprint(self) -> str:
        """Digest of the files' names and contents, and of the rule by which they are read."""
        return f"{RULE}|{self._geometry}|{self._files.digest}"

    def generate(
        self, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield the frames of the clip's file; its audio is not used. Raises `ClipError`."""
        video = PredictedVideo(self._files.find(clip.id), clip, self._geometry)
        yield from video.frames(chunk=context.batch_size)
        self._notes[clip.id] = tuple(video.notes)

    def notes(self, clip: PreparedClip) -> tuple[str, ...]:
        """How the frames that `generate` last yielded for `clip` were changed."""
        return self._notes.get(clip.id, ())
