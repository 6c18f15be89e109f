"""Brings footage to its canonical form: a tracked face in a square crop at 25 fps, and 16 kHz audio.

Two passes over the video, a chunk at a time: the first tracks the face, the second cuts the crop that follows from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS, Clip, PreparedClip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.crop import CROP_RULE, CropBox, crop_box, cut
from bench_lipsync.harness.faces.landmarker import Face, Landmarker
from bench_lipsync.harness.faces.region import Region, bounding
from bench_lipsync.harness.faces.track_builder import canonical_track
from bench_lipsync.harness.faces.tracker import FaceTracker
from bench_lipsync.harness.media import Damage, LosslessWriter, decode_video, write_wav
from bench_lipsync.harness.stages.source import Source, peak
from bench_lipsync.harness.util.background import BackgroundWriter, Prefetch
from bench_lipsync.harness.util.sanitize import shown
from bench_lipsync.harness.util.spans import span, timed

PREPARE_VERSION = f"2|{CROP_RULE}"
"""Changes whenever a prepared clip may come out differently; part of its key in the store."""


def prepare_clip(clip: Clip, directory: Path, size: int = 256) -> PreparedClip:
    """Write the canonical form of `clip` into `directory`, which exists and is empty; `size` is the crop's side.

    Separate audio is taken to begin with the video; both are cut by `start` and `end`. Audio shorter than the
    video is padded with silence, longer audio is cut.

    Raises `ClipError`: `decode_error`, `no_audio` (no stream, or digital silence), `no_face`, `several_faces`,
    `too_short`, `too_long`; and `harness.assets.lookup.AssetMissing` without FaceLandmarker's weights.
    """
    source = Source(clip)
    faces = _track(source)
    audio = source.audio()
    box = crop_box(bounding(face.box for face in faces.values()), *source.size)
    track = canonical_track(faces, source.frames, box, size)
    digest = _write_video(source, directory / "video.mkv", box, size)
    write_wav(directory / "audio.wav", audio)
    track.save(directory / "faces.npz")
    for array in (audio, *track.arrays().values()):
        digest.update(np.ascontiguousarray(array).data)
    height = np.ptp(track.landmarks[:, :, 1], axis=1)
    meta = {
        "id": clip.id,
        "identity": clip.identity,
        "frames": source.frames,
        "size": size,
        "fps": FPS,
        "content_hash": digest.hexdigest(),
        "prepare_version": PREPARE_VERSION,
        "crop": {"rule": CROP_RULE, **asdict(box), "face_height": round(float(np.median(height)) / size, 4)},
        "notes": source.notes(),
        "interpolated": [int(index) for index in np.flatnonzero(~track.detected)],
        "audio": {
            "peak": peak(audio),
            "padded_samples": max(0, len(audio) - len(source.samples)),
            "cut_samples": max(0, len(source.samples) - len(audio)),
        },
        "source": _facts(source),
    }
    text = json.dumps(meta, indent=1, ensure_ascii=False, allow_nan=False)
    (directory / "meta.json").write_text(text + "\n", encoding="utf-8")
    return PreparedClip.load(directory)


def _ahead(chunks: Iterator[NDArray[np.uint8]]) -> Prefetch[NDArray[np.uint8]]:
    """The frames of the source, decoded in another thread; at most three chunks of up to 64 MiB lie in memory."""
    return Prefetch(timed(chunks, "decode", "source"), ahead=1)


def _track(source: Source) -> dict[int, Face]:
    """The speaker's face by frame; reads the source to its end."""
    box = source.clip.box
    with ExitStack() as stack:
        with span("load", "face landmarker"):
            landmarker = stack.enter_context(Landmarker())
        follower = FaceTracker(landmarker, None if box is None else Region(*box))
        for chunk in stack.enter_context(_ahead(source.chunks())):
            with span("faces", items=len(chunk)):
                for picture in chunk:
                    follower.add(picture)
    return follower.finish()


def _write_video(source: Source, path: Path, box: CropBox, size: int) -> hashlib._Hash:
    """The second pass; returns the running hash over the decoded frames."""
    digest = hashlib.sha256()

    def take(crops: NDArray[np.uint8]) -> None:
        with span("write", items=len(crops)):
            writer.write(crops)
            digest.update(crops.data)

    clip = source.clip
    # What is damaged is known from the first pass.
    again = decode_video(clip.video, start=clip.start, end=clip.end, chunk=8, damage=Damage())
    with _ahead(again) as chunks, LosslessWriter(path, size, size) as writer, BackgroundWriter(take) as encoder:
        for chunk in chunks:
            with span("crop", items=len(chunk)):
                crops = cut(chunk, box, size)
            encoder.put(crops)
    if writer.frames != source.frames:
        reason = f"{shown(clip.video.name)}: decoded to {source.frames} frames, then to {writer.frames}"
        raise ClipError(Status.DECODE_ERROR, reason)
    return digest


def _facts(source: Source) -> dict[str, Any]:
    """Facts about the footage; no paths, which say more about a machine than about a clip."""
    info, clip = source.info, source.clip
    return {
        "format": info.format,
        "video": None if info.video is None else asdict(info.video),
        "audio": None if info.audio is None else asdict(info.audio),
        "separate_audio": clip.audio is not None,
        "start": clip.start,
        "end": clip.end,
        "box": clip.box,
    }
