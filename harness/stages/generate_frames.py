"""Writes a model's frames: checked, in batches that fit into memory, encoded in parallel to the model's work."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.model import GenerateContext, LipSyncModel
from bench_lipsync.harness.compute.batching import Batches, free_memory, model_batch_size, out_of_memory
from bench_lipsync.harness.errors import ClipError, Status, first_problem
from bench_lipsync.harness.util.background import BackgroundWriter
from bench_lipsync.harness.util.spans import span, timed

logger = logging.getLogger(__name__)
T = TypeVar("T")
_FITTING: dict[tuple[str, str, int], Batches] = {}
"""Batches that a shortage of memory has made smaller, by model, device and side of the crops; of this process, which is
one worker, for all of its clips."""
_PIECE_BYTES = 4 << 20
"""Frames that wait for the encoder are held in pieces of this size, however much a model gives at once."""


class TooLargeError(Exception):
    """The model ran out of memory with the requested number of frames at once."""


def write_frames(
    model: LipSyncModel, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext, path: Path
) -> dict[str, Any]:
    """The model's frames for `clip` as the lossless video `path`; returns `frames`, `frames_hash` and `batch_size`.

    Where memory runs out the clip begins again with half the batch, which then stays for this worker's next clips.
    Raises `ClipError`: `memory` where even single frames do not fit, `model_failed`, `bad_output`.
    """

    def attempt(sized: GenerateContext) -> dict[str, Any]:
        with closing(frames_of(model, clip, audio, sized)) as chunks:
            return {**_encode(chunks, clip, path), "batch_size": sized.batch_size}

    try:
        return in_batches_that_fit(attempt, model, clip, context, way_out="free some, or a smaller size (--config)")
    except ClipError as error:
        if error.status is Status.MODEL_FAILED and error.__cause__ is not None:
            logger.error("model %s failed on %s", model.card.name, clip.id, exc_info=error.__cause__)
        raise


def in_batches_that_fit(
    attempt: Callable[[GenerateContext], T],
    model: LipSyncModel,
    clip: PreparedClip,
    context: GenerateContext,
    *,
    way_out: str = "free some",
) -> T:
    """Call `attempt` with the largest batch that fits into memory, and return what it returns.

    When it raises `TooLargeError`, it is called again with half the batch. Raises `ClipError` (`memory`) if a batch of
    one is too large.
    """
    name, device = model.card.name, context.device
    key = (name, device, clip.size)
    requested = context.batch_size or model_batch_size(device)
    batches = _FITTING.get(key) or Batches(device, requested, requested, owner=name, items="frames")
    size = min(requested, batches.size)
    while True:
        try:
            return attempt(replace(context, batch_size=size))
        except TooLargeError as error:
            reason = str(error)
        # Outside of `except`, where the error would keep the failed batch's buffers.
        if size == 1:
            _FITTING.pop(key, None)  # Of a clip, or of a moment; others may have room for more.
            free_memory(device)
            if device.startswith("cuda"):
                way_out = "free some, or use --device cpu"
            raise ClipError(Status.MEMORY, f"memory of {device} does not hold one frame's pass ({reason}); {way_out}")
        batches.halve(size)
        size = batches.size
        _FITTING[key] = batches


def frames_of(
    model: LipSyncModel, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext
) -> Generator[NDArray[np.uint8]]:
    """The model's chunks (n, H, W, 3), with whatever it raises turned into `TooLargeError` or `ClipError`."""
    try:
        yield from timed(iter(model.generate(clip, audio, context)), "generate", model.card.name)
    except ClipError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise TooLargeError(first_problem(error)) from None
        raise ClipError(Status.MODEL_FAILED, f"{type(error).__name__}: {error}") from error


def _encode(chunks: Iterator[NDArray[np.uint8]], clip: PreparedClip, path: Path) -> dict[str, Any]:
    """Encode the chunks losslessly, and check that they keep the contract."""
    from bench_lipsync.harness.media import LosslessWriter

    digest = hashlib.sha256()

    def take(piece: NDArray[np.uint8]) -> None:
        with span("encode", items=len(piece)):
            digest.update(piece.data)
            writer.write(piece)

    count = 0
    with LosslessWriter(path, clip.size, clip.size) as writer, BackgroundWriter(take) as encoder:
        for chunk in chunks:
            if chunk.dtype != np.uint8 or chunk.shape[1:] != (clip.size, clip.size, 3):
                expected = f"uint8 (n, {clip.size}, {clip.size}, 3)"
                raise ClipError(Status.BAD_OUTPUT, f"frames are {chunk.dtype} {chunk.shape}, expected {expected}")
            count += len(chunk)
            if count > clip.frames:
                break
            for piece in _pieces(chunk):
                encoder.put(piece)
    if count != clip.frames:
        more = "more than " if count > clip.frames else ""
        raise ClipError(Status.BAD_OUTPUT, f"{more}{min(count, clip.frames)} frames for a clip of {clip.frames}")
    return {"frames": count, "frames_hash": digest.hexdigest()}


def _pieces(chunk: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Copies of the frames of `chunk`: a model may write the next ones into the same memory."""
    step = max(1, _PIECE_BYTES // (chunk[:1].nbytes or 1))
    for first in range(0, len(chunk), step):
        yield np.array(chunk[first : first + step], order="C")
