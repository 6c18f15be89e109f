"""Dubs one video end to end: adaptation, footage, generation, compositing, watermark, file."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness import __version__
from bench_lipsync.harness.api.clip import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME, Clip
from bench_lipsync.harness.api.model import AdaptableModel, AdaptRequest, GenerateContext, LipSyncModel
from bench_lipsync.harness.dubbing.compositing import paste, place
from bench_lipsync.harness.dubbing.footage import SIZE, Footage, read_footage
from bench_lipsync.harness.dubbing.generated_crops import generated_crops
from bench_lipsync.harness.dubbing.head_motion import head_motion
from bench_lipsync.harness.dubbing.looped_clip import LoopedClip
from bench_lipsync.harness.dubbing.timing import Timing, make_timing
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.faces.region import Region
from bench_lipsync.harness.media import Damage, decode_audio, probe
from bench_lipsync.harness.media.frames_at_times import pictures_at
from bench_lipsync.harness.media.mp4 import Mp4Writer
from bench_lipsync.harness.media.yuv_planes import ToPlanes
from bench_lipsync.harness.stages import stages
from bench_lipsync.harness.stages.generate_frames import in_batches_that_fit
from bench_lipsync.harness.store.mirror import open_store
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util import progress
from bench_lipsync.harness.util.files import appearing, sweep_unfinished
from bench_lipsync.harness.util.sanitize import safe_id
from bench_lipsync.harness.watermark.embed import embed

SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC digital source type of media that a trained network changed in part."""
_MARGIN = 0.2  # Seconds of video read beyond the audio, so that its last frames are not reversed.


@dataclass(frozen=True)
class DubRequest:
    """The video to make."""

    video: Path
    audio: Path
    out: Path
    crf: int = 18
    region: Region | None = None
    """Where in the video to search for the face; `None` is everywhere."""
    context: GenerateContext = GenerateContext()  # noqa: RUF009, frozen
    quiet: bool = False


@dataclass(frozen=True)
class DubResult:
    """The video that was made."""

    out: Path
    frames: int
    seconds: float
    rate: float
    width: int
    height: int
    looped: bool
    """Whether the audio was longer than the video, which was then played back and forth."""
    frames_without_face: int
    """Output frames that are unchanged because no face was found in them."""
    notes: tuple[str, ...] = ()
    """What is damaged in the inputs."""


def dub(model: LipSyncModel, request: DubRequest) -> DubResult:
    """Dub a video.

    Frames are streamed; memory grows with the audio and the landmarks, by some kilobytes a frame. Where memory runs
    out, generation restarts with half the batch. The file appears under its name only when it is complete.

    Args:
        model: Generates the lips.
        request: Inputs, output and settings.

    Raises:
        ClipError: An input cannot be used, or the model fails.
        NoRoomError: The disk is full or read-only.
    """
    damage = Damage()
    samples = decode_audio(request.audio, damage=damage)
    seconds = len(samples) / SAMPLE_RATE
    if seconds < 2 / FPS:
        raise ClipError(
            Status.TOO_SHORT, f"{request.audio.name}: {seconds:.3f} s of audio; at least {2 / FPS} s needed"
        )
    with tempfile.TemporaryDirectory(prefix="bench-dub-") as scratch:
        total = _expected_frames(request.video, seconds)
        with progress.stage("follow", total, request.quiet) as tick:
            footage = read_footage(
                request.video, Path(scratch), end=seconds + _MARGIN, region=request.region, tick=tick
            )
        timing = make_timing(len(samples), footage.rate, float(footage.last), footage.clip.frames)
        clip = _looped(footage, timing, samples)
        sweep_unfinished(request.out.parent)
        with appearing(request.out) as partial:
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
        notes=(*footage.notes, *damage.notes()),
    )


def adapted(
    model: LipSyncModel, video: Path, seconds: float, context: GenerateContext, store: Store | None = None
) -> LipSyncModel:
    """Adapt a model to a speaker; the weights are cached in the store.

    Args:
        model: The model.
        video: Footage of the speaker with its own audio.
        seconds: How much of its start to use.
        context: Seed and device.
        store: The store; the user's by default.

    Raises:
        BenchError: The model cannot be adapted.
        ClipError: The footage is too short or unusable.
    """
    if not isinstance(model, AdaptableModel):
        raise BenchError(f"{model.card.name} cannot be adapted to a person; leave --adapt-on out")
    store = store or open_store()
    speaker = safe_id(video.stem)
    footage = stages.prepare(Clip(speaker, speaker, video, start=0.0, end=seconds), SIZE, store)
    frames = round(seconds * FPS)
    if footage.frames < frames:
        reason = f"{video.name} has {footage.frames / FPS:.2f} s for --adapt-seconds {seconds:g}"
        raise ClipError(Status.TOO_SHORT, reason)
    request = AdaptRequest(seed=context.seed, device=context.device)
    return model.adapted(stages.adapt(model, footage, (0, frames), request, store))


class _Job(NamedTuple):
    model: LipSyncModel
    clip: LoopedClip
    footage: Footage
    timing: Timing


def _write(job: _Job, request: DubRequest, path: Path) -> tuple[int, int]:
    """Write the video to `path`; returns its height and width."""
    model, clip, footage, timing = job
    to_planes = ToPlanes()
    landmarks = footage.clip.faces.landmarks
    count = len(timing.shown)
    shape = (0, 0)
    writer = Mp4Writer(
        path, footage.rate, request.audio, crf=request.crf, pixel_aspect=footage.pixel_aspect, tags=_tags(model)
    )
    with (
        progress.stage("dub", count, request.quiet) as tick,
        closing(generated_crops(model, clip, request.context)) as crops,  # type: ignore[type-var]
        closing(pictures_at(request.video, timing.shown.tolist())) as pictures,  # type: ignore[type-var]
        writer,
    ):
        crop = next(crops)
        for picture, index in zip(pictures, timing.generated, strict=True):
            while crop.number < index:
                crop = next(crops)
            planes = to_planes(picture.frame)
            prepared = int(timing.prepared[index])
            presence = footage.presence[prepared]
            if presence > 0:
                move = head_motion(landmarks, footage.times, prepared, picture.time)
                paste(planes, place(crop.pixels, crop.weight * presence, footage.box, move))
            planes = planes.even()
            shape = planes.luma.shape
            planes.luma = embed(planes.luma, planes.colour.full)
            writer.write(planes)
            tick()
        for _ in crops:  # Let the model finish: it may check its frames at the end.
            pass
    return shape


def _looped(footage: Footage, timing: Timing, samples: NDArray[np.int16]) -> LoopedClip:
    clip, count = footage.clip, len(timing.prepared)
    audio = np.zeros(count * SAMPLES_PER_FRAME, np.int16)
    part = samples[: len(audio)]
    audio[: len(part)] = part
    return LoopedClip(clip.id, clip.identity, clip.directory, clip.meta, order=timing.prepared, samples=audio)


def _expected_frames(video: Path, seconds: float) -> int:
    """Approximate number of frames of the footage, for the progress bar."""
    length = probe(video).seconds
    return max(1, round(FPS * min(seconds, length or seconds)))


def _tags(model: LipSyncModel) -> dict[str, str]:
    """Metadata that marks the file as synthetic, in the fields that players show."""
    card = model.card
    maker = f"bench {__version__}, model {card.name}, weights {card.weights}"
    return {
        "comment": f"SYNTHETIC MEDIA: the lips in this video were generated by a neural network ({maker}); the person "
        f"did not speak these words on this occasion. Digital source type: {SYNTHETIC}. The picture carries a "
        "watermark: bench watermark detect FILE",
        "description": f"Synthetic media: lips generated by {maker}",
    }
