"""One pass over a clip's frames for all scorers: decoded once, ahead of the networks."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.api.metric import ClipAccumulator, ClipScore
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.scoring.scorers import LoadedScorer
from bench_lipsync.harness.stages.stages import Generated
from bench_lipsync.harness.util.background import Prefetch
from bench_lipsync.harness.util.spans import span, timed

logger = logging.getLogger(__name__)
_CHUNK_BYTES = 8 << 20
"""Of one video. With reading ahead four chunks of both videos lie in memory: 50 MB for crops of 256 pixels."""
_CHUNK = (16, 32)
"""Frames of a chunk, at least and at most: networks want enough of them at a time."""


class _Pair(NamedTuple):
    output: NDArray[np.uint8]
    truth: NDArray[np.uint8]


def one_pass(
    scorers: Sequence[LoadedScorer], clip: PreparedClip, output: Generated, audio: NDArray[np.int16]
) -> dict[str, ClipScore | ClipError]:
    """Run all scorers over the frames of `output` and of the ground truth.

    Returns:
        The score or the failure of each scorer, by its name. One that fails does not stop the others.

    Raises:
        ClipError: `decode_error`, if a video cannot be read.

    """
    results: dict[str, ClipScore | ClipError] = {}
    open_scorings: dict[str, ClipAccumulator] = {}
    for loaded in scorers:
        try:
            with span("score", loaded.name):
                open_scorings[loaded.name] = loaded.scorer.open(clip)
        except Exception as error:
            results[loaded.name] = _as_clip_error(error, loaded.name, clip)
    with Prefetch(_paired_frames(clip, output)) as pairs:  # Decodes the next chunk while the networks see this one.
        for frames, truth in pairs:
            for name in list(open_scorings):
                try:
                    with span("score", name, len(frames)):
                        open_scorings[name].update(frames, truth)
                except Exception as error:
                    results[name] = _as_clip_error(error, name, clip)
                    del open_scorings[name]
            if not open_scorings:
                break
    for name, scoring in open_scorings.items():
        try:
            with span("score", name):
                results[name] = scoring.compute(audio)
        except Exception as error:
            results[name] = _as_clip_error(error, name, clip)
    return results


def chunk_length(size: int) -> int:
    """Frames per chunk for square frames of `size` pixels."""
    least, most = _CHUNK
    return min(most, max(least, _CHUNK_BYTES // (size * size * 3)))


def _paired_frames(clip: PreparedClip, output: Generated) -> Iterator[_Pair]:
    from bench_lipsync.harness.media import read_lossless

    chunk = chunk_length(clip.size)
    if output.video == clip.video_path:
        for frames in clip.read_frames(chunk=chunk):
            yield _Pair(frames, frames)
        return
    both = zip(
        timed(read_lossless(output.video, chunk=chunk), "decode", "crops"), clip.read_frames(chunk=chunk), strict=True
    )
    yield from (_Pair(*pair) for pair in both)


def _as_clip_error(error: Exception, scorer: str, clip: PreparedClip) -> ClipError:
    if isinstance(error, ClipError):
        return error
    logger.error("scorer %s failed on %s", scorer, clip.id, exc_info=error)
    failure = ClipError(Status.METRIC_FAILED, f"{type(error).__name__}: {error}")
    failure.__cause__ = error  # The store looks there for a full disk, which must not be remembered.
    return failure
