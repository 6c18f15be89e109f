"""One dubbed video from end to end: footage, generated lips, paste-back, mark, file."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME
from bench_lipsync.harness.api.model import GenerateContext, LipSyncModel
from bench_lipsync.harness.dubbing.compositing import paste, place
from bench_lipsync.harness.dubbing.footage import Footage, read_footage
from bench_lipsync.harness.dubbing.generated_crops import lips
from bench_lipsync.harness.dubbing.head_motion import head_motion
from bench_lipsync.harness.dubbing.looped_clip import LoopedClip
from bench_lipsync.harness.dubbing.tags import tags
from bench_lipsync.harness.dubbing.timing import Timing, make_timing
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.region import Region
from bench_lipsync.harness.media import decode_audio, probe
from bench_lipsync.harness.media.frames_at_times import pictures_at
from bench_lipsync.harness.media.mp4 import Mp4Writer
from bench_lipsync.harness.media.yuv_planes import ToPlanes
from bench_lipsync.harness.stages.generate_frames import in_batches_that_fit
from bench_lipsync.harness.util import progress
from bench_lipsync.harness.watermark.embed import embed

_MARGIN = 0.2  # seconds of video read beyond the sound, so that its last frames need not turn back


@dataclass(frozen=True)
class DubRequest:
    """What is to be made."""

    video: Path
    audio: Path
    out: Path
    crf: int = 18
    region: Region | None = None
    """Where in the video to look for the face; `None` is everywhere."""
    context: GenerateContext = GenerateContext()  # noqa: RUF009, frozen
    quiet: bool = False


@dataclass(frozen=True)
class DubResult:
    """What was made."""

    out: Path
    frames: int
    seconds: float
    rate: float
    width: int
    height: int
    looped: bool
    """Whether the sound was longer than the video, which then ran back and forth."""
    frames_without_face: int
    """Output frames that stay as they were, because no face was found there."""


def dub(model: LipSyncModel, request: DubRequest) -> DubResult:
    """Write `request.out`: the video with lips that `model` drew for the audio.

    Everything is streamed; what grows with the length is the sound and the landmarks, some kilobytes a frame. Where
    memory runs out, the file begins again with half the batch.
    Raises `ClipError`, and then leaves no half file.
    """
    samples = decode_audio(request.audio)
    seconds = len(samples) / SAMPLE_RATE
    if seconds < 2 / FPS:
        raise ClipError(
            Status.TOO_SHORT, f"{request.audio.name}: {seconds:.3f} s of sound; at least {2 / FPS} s needed"
        )
    with tempfile.TemporaryDirectory(prefix="bench-dub-") as scratch:
        total = _expected(request.video, seconds)
        with progress.stage("follow", total, request.quiet) as tick:
            footage = read_footage(
                request.video, Path(scratch), end=seconds + _MARGIN, region=request.region, tick=tick
            )
        timing = make_timing(len(samples), footage.rate, float(footage.last), footage.clip.frames)
        clip = _looped(footage, timing, samples)
        with _appearing(request.out) as partial:
            job = _Job(model, clip, footage, timing)
            size = in_batches_that_fit(
                lambda context: _write(job, replace(request, context=context), partial), model, clip, request.context
            )
    shown = footage.presence[timing.prepared[timing.generated]]
    return DubResult(
        out=request.out,
        frames=len(timing.shown),
        seconds=len(timing.shown) / float(footage.rate),
        rate=float(footage.rate),
        width=size[1],
        height=size[0],
        looped=seconds > footage.last + 1.5 / float(footage.rate),
        frames_without_face=int(np.sum(shown == 0)),
    )


class _Job(NamedTuple):
    model: LipSyncModel
    clip: LoopedClip
    footage: Footage
    timing: Timing


def _write(job: _Job, request: DubRequest, path: Path) -> tuple[int, int]:
    """Returns height and width."""
    model, clip, footage, timing = job
    to_planes = ToPlanes()
    landmarks = footage.clip.faces.landmarks
    count = len(timing.shown)
    shape = (0, 0)
    writer = Mp4Writer(
        path, footage.rate, request.audio, crf=request.crf, pixel_aspect=footage.pixel_aspect, tags=tags(model)
    )
    with (
        progress.stage("dub", count, request.quiet) as tick,
        closing(lips(model, clip, request.context)) as made,  # type: ignore[type-var]
        closing(pictures_at(request.video, timing.shown.tolist())) as pictures,  # type: ignore[type-var]
        writer,
    ):
        current = next(made)
        for picture, wanted in zip(pictures, timing.generated, strict=True):
            while current.number < wanted:
                current = next(made)
            planes = to_planes(picture.frame)
            prepared = int(timing.prepared[wanted])
            presence = footage.presence[prepared]
            if presence > 0:
                move = head_motion(landmarks, footage.times, prepared, picture.time)
                paste(planes, place(current.crop, current.weight * presence, footage.box, move))
            planes = planes.even()
            shape = planes.luma.shape
            planes.luma = embed(planes.luma, planes.colour.full)
            writer.write(planes)
            tick()
        # A model may count its frames at its end: let it.
        for _ in made:
            pass
    return shape


def _looped(footage: Footage, timing: Timing, samples: NDArray[np.int16]) -> LoopedClip:
    clip, count = footage.clip, len(timing.prepared)
    sound = np.zeros(count * SAMPLES_PER_FRAME, np.int16)
    part = samples[: len(sound)]
    sound[: len(part)] = part
    return LoopedClip(clip.id, clip.identity, clip.directory, clip.meta, order=timing.prepared, samples=sound)


def _expected(video: Path, seconds: float) -> int:
    """About how many frames the footage will have, for the progress bar."""
    length = probe(video).seconds
    return max(1, round(FPS * min(seconds, length or seconds)))


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """A file that gets its name when it is complete and goes away when anything, Ctrl-C included, comes between."""
    partial = out.with_name(f".{out.stem[:80]}.{uuid.uuid4().hex[:8]}.partial{out.suffix}")
    try:
        yield partial
        os.replace(partial, out)  # noqa: PTH105, atomic also over an existing file
    finally:
        partial.unlink(missing_ok=True)
