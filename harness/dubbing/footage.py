"""The video to dub in the form that models see, and what is needed to find the way back into the full frame."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS, PreparedClip
from bench_lipsync.harness.dubbing.timing import output_rate
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.crop import CROP_RULE, CropBox, crop_box, cut
from bench_lipsync.harness.faces.landmarker import Landmarker
from bench_lipsync.harness.faces.region import Region, bounding
from bench_lipsync.harness.faces.track_builder import canonical_track
from bench_lipsync.harness.faces.tracker import MAX_GAP, FaceTracker
from bench_lipsync.harness.media import LosslessWriter, probe
from bench_lipsync.harness.media.decode import Shown, shown_pictures
from bench_lipsync.harness.media.frames import timed_frames

SIZE = 256
"""Side of the crop in pixels; the models of this project work at 256 or below."""
_FADE = 4  # frames over which the dub comes and goes where the face is lost


@dataclass(frozen=True)
class Footage:
    """A followed face. M frames at 25 per second."""

    clip: PreparedClip
    box: CropBox
    """The square of the full, upright frame that the crop shows."""
    times: NDArray[np.float64]
    """(M,) seconds at which the source shows the picture of each frame."""
    presence: NDArray[np.float32]
    """(M,) 1 where the face is seen, 0 where it is lost for longer than a moment, with short fades between."""
    rate: Fraction
    """The source's frames per second."""
    pixel_aspect: Fraction | None
    """Width to height of a pixel where it is no square."""

    @property
    def last(self) -> float:
        """Seconds at which the last picture stands."""
        return float(self.times[-1])


def read_footage(
    video: Path,
    directory: Path,
    *,
    end: float | None = None,
    region: Region | None = None,
    tick: Callable[[], object] = lambda: None,
) -> Footage:
    """Follow the most prominent face of `video` up to `end` seconds, and write its crop into the empty `directory`.

    Unlike `harness.stages.prepare_clip` this takes any length, no sound, and stretches without the face. `region` is
    where to look for it. Raises `ClipError`: `decode_error`, `no_face`, `several_faces`.
    """
    info = probe(video)
    if info.video is None:
        raise ClipError(Status.DECODE_ERROR, f"{video.name}: no video stream")
    times: list[float] = []
    with Landmarker() as landmarker:
        follower = FaceTracker(landmarker, region, patient=True)
        for shown in _shown(video, end):
            follower.add(shown.picture)
            times.append(shown.time)
            tick()
        faces = follower.finish()
    frame = Region(0, 0, info.video.width, info.video.height)
    box = crop_box(bounding(face.box for face in faces.values()), frame.width, frame.height)
    track = canonical_track(faces, follower.frames, box, SIZE)
    digest = _write_crops(video, directory / "video.mkv", box, end)
    track.save(directory / "faces.npz")
    meta = {
        "id": "footage",
        "identity": "footage",
        "frames": follower.frames,
        "size": SIZE,
        "fps": FPS,
        "content_hash": digest,
        "crop": {"rule": CROP_RULE, **asdict(box)},
    }
    (directory / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    return Footage(
        clip=PreparedClip.load(directory),
        box=box,
        times=np.array(times),
        presence=presence(track.detected),
        rate=_rate(video, info.video.rate),
        pixel_aspect=_aspect(info.video.pixel_aspect, info.video.rotation),
    )


def presence(detected: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How far the dub is to be seen in each frame (M,): gaps of up to `MAX_GAP` frames were filled in and count."""
    there = detected.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[True], detected, [True]]).astype(int)))
    for begin, stop in edges.reshape(-1, 2):
        there[begin:stop] = stop - begin <= MAX_GAP
    near = there.astype(np.float32)
    for distance in range(1, _FADE + 1):
        for shift in (-distance, distance):
            beside = np.ones(len(there), bool)
            beside[max(0, shift) : len(there) + min(0, shift)] = there[max(0, -shift) : len(there) + min(0, -shift)]
            near[~beside] = np.minimum(near[~beside], distance / (_FADE + 1))
    return near


def _shown(video: Path, end: float | None) -> Iterator[Shown]:
    # At least one frame, however short the sound is.
    with closing(shown_pictures(video, end=None if end is None else max(end, 1 / FPS))) as pictures:  # type: ignore[type-var]
        yield from pictures


def _write_crops(video: Path, path: Path, box: CropBox, end: float | None) -> str:
    """Returns the sha256 of the crops."""
    digest = hashlib.sha256()
    with LosslessWriter(path, SIZE, SIZE) as writer:
        for shown in _shown(video, end):
            crops = cut(shown.picture[None], box, SIZE)
            writer.write(crops)
            digest.update(crops.data)
    return digest.hexdigest()


def _rate(video: Path, stated: float | None) -> Fraction:
    """From the frames' own times: of the first ten seconds they tell enough."""
    times: list[float] = []
    for timed in timed_frames(video, 0.0):
        times.append(timed.time)
        if timed.time > 10:
            break
    return output_rate(stated, np.array(times))


def _aspect(stated: str, rotation: int) -> Fraction | None:
    wide, high = (int(part) for part in stated.split(":"))
    if wide <= 0 or high <= 0 or wide == high:
        return None
    return Fraction(high, wide) if rotation in {90, 270} else Fraction(wide, high)
