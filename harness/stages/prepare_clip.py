"""Brings footage to its canonical form: a tracked face in a square crop at 25 fps, and 16 kHz audio.

Two passes over the video, a chunk at a time: the first tracks the face, the second cuts the crop that follows from it.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS, SAMPLES_PER_FRAME, Clip, PreparedClip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.crop import CROP_RULE, CropBox, crop_box, cut
from bench_lipsync.harness.faces.landmarker import Face, Landmarker
from bench_lipsync.harness.faces.region import Region, bounding
from bench_lipsync.harness.faces.track_builder import canonical_track
from bench_lipsync.harness.faces.tracker import FaceTracker
from bench_lipsync.harness.media import LosslessWriter, MediaInfo, decode_audio, decode_video, probe, write_wav
from bench_lipsync.harness.media.limits import MAX_CLIP_SECONDS, SHORTER
from bench_lipsync.harness.util.background import BackgroundWriter, Prefetch
from bench_lipsync.harness.util.sanitize import shown
from bench_lipsync.harness.util.spans import span, timed

PREPARE_VERSION = f"1|{CROP_RULE}"
"""Changes whenever a prepared clip may come out differently; part of its key in the store."""
MIN_FRAMES = 40
"""Shortest clip (1.6 s): SyncNet compares windows of 5 frames at shifts of up to 15 either way."""
SILENCE = 33
"""Audio whose largest sample is below this is digital silence: -60 dB of full scale."""


class _Tracking(NamedTuple):
    faces: dict[int, Face]
    frames: int
    frame: Region
    """The full frame."""


def prepare_clip(clip: Clip, directory: Path, size: int = 256) -> PreparedClip:
    """Write the canonical form of `clip` into `directory`, which exists and is empty; `size` is the crop's side.

    Separate audio is taken to begin with the video; both are cut by `start` and `end`. Audio shorter than the
    video is padded with silence, longer audio is cut.

    Raises `ClipError`: `decode_error`, `no_audio` (no stream, or digital silence), `no_face`, `several_faces`,
    `too_short`, `too_long`; and `harness.assets.lookup.AssetMissing` without FaceLandmarker's weights.
    """
    with span("decode", "sound"):
        info = probe(clip.video)
        if info.video is None:
            raise ClipError(Status.DECODE_ERROR, f"{shown(clip.video.name)}: no video stream")
        _require_shorter(_stated_seconds(info, clip))
        latest = (clip.start or 0.0) + MAX_CLIP_SECONDS
        end = latest if clip.end is None else min(clip.end, latest)
        samples = decode_audio(clip.audio or clip.video, start=clip.start, end=end)
    if len(samples):
        _require_audio(samples)  # before the long work
    tracking = _track(clip)
    audio = _fit(samples, tracking.frames)
    box = crop_box(bounding(face.box for face in tracking.faces.values()), tracking.frame.width, tracking.frame.height)
    track = canonical_track(tracking.faces, tracking.frames, box, size)
    digest = _write_video(clip, directory / "video.mkv", box, size, tracking.frames)
    write_wav(directory / "audio.wav", audio)
    track.save(directory / "faces.npz")
    for array in (audio, *track.arrays().values()):
        digest.update(np.ascontiguousarray(array).data)
    height = np.ptp(track.landmarks[:, :, 1], axis=1)
    meta = {
        "id": clip.id,
        "identity": clip.identity,
        "frames": tracking.frames,
        "size": size,
        "fps": FPS,
        "content_hash": digest.hexdigest(),
        "prepare_version": PREPARE_VERSION,
        "crop": {"rule": CROP_RULE, **asdict(box), "face_height": round(float(np.median(height)) / size, 4)},
        "interpolated": [int(index) for index in np.flatnonzero(~track.detected)],
        "audio": {
            "peak": _peak(audio),
            "padded_samples": max(0, len(audio) - len(samples)),
            "cut_samples": max(0, len(samples) - len(audio)),
        },
        "source": _source(info, clip),
    }
    text = json.dumps(meta, indent=1, ensure_ascii=False, allow_nan=False)
    (directory / "meta.json").write_text(text + "\n", encoding="utf-8")
    return PreparedClip.load(directory)


def _chunks(clip: Clip) -> Prefetch[NDArray[np.uint8]]:
    """The frames of the source, decoded in another thread; at most three chunks of up to 64 MiB lie in memory."""
    chunks = decode_video(clip.video, start=clip.start, end=clip.end, chunk=8)
    return Prefetch(timed(chunks, "decode", "source"), ahead=1)


def _track(clip: Clip) -> _Tracking:
    frame: Region | None = None
    look_at = None if clip.box is None else Region(*clip.box)
    with ExitStack() as stack:
        with span("load", "face landmarker"):
            landmarker = stack.enter_context(Landmarker())
        chunks = stack.enter_context(_chunks(clip))
        follower = FaceTracker(landmarker, look_at)
        for chunk in chunks:
            frame = Region(0, 0, chunk.shape[2], chunk.shape[1])
            with span("faces", items=len(chunk)):
                for picture in chunk:
                    follower.add(picture)
            _require_shorter(follower.frames / FPS)
    if frame is None or follower.frames < MIN_FRAMES:
        reason = f"{follower.frames} frames at {FPS} per second; at least {MIN_FRAMES} are needed"
        raise ClipError(Status.TOO_SHORT, reason)
    return _Tracking(follower.finish(), follower.frames, frame)


def _stated_seconds(info: MediaInfo, clip: Clip) -> float:
    """Length of the clip as stated by its file; 0 if it states none."""
    stated = info.video.seconds if info.video is not None and info.video.seconds is not None else info.seconds
    total = stated or 0.0
    return (total if clip.end is None else min(total, clip.end)) - (clip.start or 0.0)


def _require_shorter(seconds: float) -> None:
    if seconds > MAX_CLIP_SECONDS:
        reason = f"{seconds:.0f} s; a clip may have at most {MAX_CLIP_SECONDS:.0f}: {SHORTER}"
        raise ClipError(Status.TOO_LONG, reason)


def _fit(samples: NDArray[np.int16], frames: int) -> NDArray[np.int16]:
    """`samples` cut, or padded with silence, to `frames * 640`."""
    length = frames * SAMPLES_PER_FRAME
    fitted = np.zeros(length, np.int16)
    fitted[: len(samples)] = samples[:length]
    _require_audio(fitted)
    return fitted


def _require_audio(samples: NDArray[np.int16]) -> None:
    peak = _peak(samples)
    if peak < SILENCE:
        raise ClipError(Status.NO_AUDIO, f"digital silence: the largest sample is {peak} of 32768")


def _peak(samples: NDArray[np.int16]) -> int:
    return max(int(samples.max(initial=0)), -int(samples.min(initial=0)))


def _write_video(clip: Clip, path: Path, box: CropBox, size: int, frames: int) -> hashlib._Hash:
    """The second pass; returns the running hash over the decoded frames."""
    digest = hashlib.sha256()

    def take(crops: NDArray[np.uint8]) -> None:
        with span("write", items=len(crops)):
            writer.write(crops)
            digest.update(crops.data)

    with _chunks(clip) as chunks, LosslessWriter(path, size, size) as writer, BackgroundWriter(take) as encoder:
        for chunk in chunks:
            with span("crop", items=len(chunk)):
                crops = cut(chunk, box, size)
            encoder.put(crops)
    if writer.frames != frames:
        reason = f"{shown(clip.video.name)}: decoded to {frames} frames, then to {writer.frames}"
        raise ClipError(Status.DECODE_ERROR, reason)
    return digest


def _source(info: MediaInfo, clip: Clip) -> dict[str, Any]:
    """Facts about the footage; no paths, which say more about a machine than about a clip."""
    return {
        "format": info.format,
        "video": None if info.video is None else asdict(info.video),
        "audio": None if info.audio is None else asdict(info.audio),
        "separate_audio": clip.audio is not None,
        "start": clip.start,
        "end": clip.end,
        "box": clip.box,
    }
