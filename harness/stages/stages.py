"""The cached stages of one clip: prepare, adapt, generate, preview; each is skipped when nothing changed."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS, AudioSource, Clip, PreparedClip
from bench_lipsync.harness.api.model import (
    AdaptableModel,
    AdaptRequest,
    AnnotatingModel,
    GenerateContext,
    LipSyncModel,
    TruthModel,
)
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.stages.generate_frames import write_frames
from bench_lipsync.harness.store.entry import all_files
from bench_lipsync.harness.store.store import Store
from bench_lipsync.harness.util import progress
from bench_lipsync.harness.util.background import Prefetch
from bench_lipsync.harness.util.files import discard, link_or_copy, sha256_file, sha256_json, sync_tree
from bench_lipsync.harness.util.sanitize import shown
from bench_lipsync.harness.util.spans import span, timed

logger = logging.getLogger(__name__)

INPUT_FAILURES = frozenset(
    {Status.DECODE_ERROR, Status.NO_FACE, Status.SEVERAL_FACES, Status.TOO_SHORT, Status.TOO_LONG, Status.NO_AUDIO}
)
"""Properties of the footage: tried once, remembered until the footage or the preparation changes."""
PREVIEW_VERSION = "v1"
EARLIER = "steps"
"""Folder in which `AdaptableModel.adapt` leaves smaller numbers of steps."""
AUDIO_FILE = "audio.wav"
"""In the entries of `prepare` and `prepare_audio`."""


@dataclass(frozen=True)
class Generated:
    """A model's output for one clip."""

    video: Path
    """Lossless, same size, rate and length as the prepared clip."""
    frames_hash: str
    """sha256 over the decoded frames."""
    notes: tuple[str, ...] = ()
    """Remarks that belong beside the clip's numbers although it succeeded."""
    seconds: float | None = None
    """How long the model took when the frames were made, decoding and writing included; `None` for the truth itself."""


def prepare(clip: Clip, size: int, store: Store) -> PreparedClip:
    """The canonical form of `clip`. Raises `ClipError`."""
    from bench_lipsync.harness.stages.prepare_clip import PREPARE_VERSION, prepare_clip

    if not clip.video.is_file():
        raise ClipError(Status.DECODE_ERROR, f"{shown(clip.video.name)} is not a file")
    with span("store"):
        video, audio = sha256_file(clip.video), sha256_file(clip.audio) if clip.audio else None
    parts = {
        "version": PREPARE_VERSION,
        "id": clip.id,
        "identity": clip.identity,
        "video": video,
        "audio": audio,
        "start": clip.start,
        "end": clip.end,
        "box": clip.box,
        "size": size,
    }

    def build(folder: Path) -> None:
        try:
            with span("prepare"):  # Covers the steps without a span of their own: audio, crop box, face track.
                prepare_clip(clip, folder, size)
        except (ClipError, BenchError):
            raise
        except Exception as error:
            logger.exception("preparing %s failed", clip.id)
            raise ClipError(Status.DECODE_ERROR, f"{type(error).__name__}: {error}") from error

    with span("store"):
        return PreparedClip.load(store.make("prepare", parts, build, remember=INPUT_FAILURES).path)


def prepare_audio(source: AudioSource, store: Store) -> Path:
    """The folder of a store entry with the audio of `source` as `read_audio` takes it. Raises `ClipError`."""
    from bench_lipsync.harness.media import decode_audio, write_wav

    if not source.path.is_file():
        raise ClipError(Status.NO_AUDIO, f"{shown(source.path.name)} is not a file")

    def build(folder: Path) -> None:
        samples = decode_audio(source.path, start=source.start, end=source.end)
        if len(samples) == 0:
            raise ClipError(Status.NO_AUDIO, f"{shown(source.path.name)}: no audio")
        write_wav(folder / AUDIO_FILE, samples)

    with span("store"):
        parts = {"audio": sha256_file(source.path), "start": source.start, "end": source.end}
        return store.make("audio", parts, build, remember=INPUT_FAILURES).path


def read_audio(entry: Path) -> NDArray[np.int16]:
    """All samples of a prepared clip or of `prepare_audio`, int16 mono at 16 kHz."""
    from bench_lipsync.harness.media import read_wav

    return read_wav(entry / AUDIO_FILE)


@dataclass
class Prepared:
    """Results of preparation, by clip id."""

    clips: dict[str, PreparedClip] = field(default_factory=dict)
    failures: dict[str, ClipError] = field(default_factory=dict)


def prepare_all(clips: Sequence[Clip], size: int, store: Store, quiet: bool = False) -> Prepared:
    """Prepare every clip, from the store where nothing changed; failures are kept beside the successes."""
    prepared = Prepared()
    for clip in progress.each("prepare", clips, quiet):
        try:
            prepared.clips[clip.id] = made = prepare(clip, size, store)
            for note in made.notes:
                logger.warning("%s: %s", clip.id, note)
        except ClipError as error:
            logger.warning("preparing %s: %s", clip.id, error)
            prepared.failures[clip.id] = error
    return prepared


def audio_hash(audio: NDArray[np.int16]) -> str:
    """sha256 over the samples."""
    return hashlib.sha256(np.ascontiguousarray(audio).tobytes()).hexdigest()


def generate(
    model: LipSyncModel, clip: PreparedClip, audio: NDArray[np.int16], context: GenerateContext, store: Store
) -> Generated:
    """The model's frames for `clip` driven by `audio`. Raises `ClipError`."""
    if isinstance(model, TruthModel) and model.frames_are_truth:
        return Generated(clip.video_path, f"truth:{clip.content_hash}")
    parts = {
        "model": model.card.name,
        "fingerprint": model.fingerprint(),
        "clip": clip.content_hash,
        "audio": audio_hash(audio),
        "seed": context.seed,
        "device": context.device.split(":")[0],
    }

    def build(folder: Path) -> None:
        began = time.perf_counter()
        facts = write_frames(model, clip, audio, context, folder / "video.mkv")
        facts["seconds"] = round(time.perf_counter() - began, 3)
        facts["notes"] = list(model.notes(clip)) if isinstance(model, AnnotatingModel) else []
        (folder / "meta.json").write_text(json.dumps(facts), encoding="utf-8")

    with span("store"):
        folder = store.make("generate", parts, build).path
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    notes = tuple(meta.get("notes", ()))
    return Generated(folder / "video.mkv", meta["frames_hash"], notes, meta.get("seconds"))


def adapt(
    model: AdaptableModel, footage: PreparedClip, frames: tuple[int, int], request: AdaptRequest, store: Store
) -> Path:
    """The folder with `model` tuned to `footage`, for its `adapted`. Raises `ClipError`.

    An interrupted adaptation goes on where it stopped, in a folder beside the store's entries. What it wrote for
    `request.earlier` becomes entries of its own, in which shorter adaptations are found.
    """
    from filelock import FileLock

    parts = {
        "fingerprint": model.fingerprint(),
        "settings": model.adaptation_key(request),
        "footage": footage.content_hash,
        "frames": list(frames),
        "device": request.device.split(":")[0],
    }
    for note in footage.notes:
        logger.warning("footage for adaptation, %s: %s", footage.id, note)

    def link(source: Path, folder: Path) -> None:
        for name, path in all_files(source).items():  # Links: until the entry is finished, the work is not lost.
            if not name.startswith(f"{EARLIER}/"):
                link_or_copy(path, folder / name)

    work = store.root / "adapting" / sha256_json(parts)
    done = work.with_suffix(".done")

    def build(folder: Path) -> None:
        work.mkdir(exist_ok=True)
        try:
            if not done.exists():
                with span("adapt", model.card.name):
                    model.adapt(footage, frames, request, work)
                sync_tree(work)
                done.touch()
        except (ClipError, BenchError):
            raise
        except Exception as error:
            logger.exception("adapting %s to %s failed", model.card.name, footage.id)
            raise ClipError(Status.MODEL_FAILED, f"adaptation: {type(error).__name__}: {error}") from error
        for count in request.earlier:
            source = work / EARLIER / str(count)
            if source.is_dir():
                shorter = {**parts, "settings": model.adaptation_key(replace(request, steps=count))}
                store.make("adapt", shorter, partial(link, source))
        link(work, folder)

    work.parent.mkdir(parents=True, exist_ok=True)
    with span("wait for store"):
        held = FileLock(work.with_suffix(".lock")).acquire()
    with held, span("store"):
        entry = store.make("adapt", parts, build).path
        discard(done)  # First, because it marks the complete folder.
        discard(work)
        return entry


def preview(generated: Generated, audio: NDArray[np.int16], store: Store) -> Path:
    """A small lossy copy with audio that browsers play; never measured."""
    from bench_lipsync.harness.media import read_lossless, write_preview

    parts = {"version": PREVIEW_VERSION, "frames": generated.frames_hash, "audio": audio_hash(audio)}

    def build(folder: Path) -> None:
        frames = timed(read_lossless(generated.video), "decode", "crops")
        with span("preview"), Prefetch(frames) as chunks:
            write_preview(folder / "preview.mp4", chunks, audio, fps=FPS)

    with span("store"):
        return store.make("preview", parts, build).path / "preview.mp4"
