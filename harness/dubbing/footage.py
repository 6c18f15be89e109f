"""Reads the video to dub: crops for the model, and the data to composite them back into the full frame."""

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
from bench_lipsync.harness.media import Damage, LosslessWriter, probe
from bench_lipsync.harness.media.decode import Shown, shown_pictures
from bench_lipsync.harness.media.frames import timed_frames

SIZE = 256
"""Side of the crop in pixels; the models of this project work at 256 or below."""
_FADE = 4  # Frames over which the dub fades where the face is lost.


@dataclass(frozen=True)
class Footage:
    """A tracked face: M frames at 25 fps."""

    clip: PreparedClip
    box: CropBox
    """The square of the full, upright frame that the crop shows."""
    times: NDArray[np.float64]
    """(M,) presentation time of each frame in the source, in seconds."""
    presence: NDArray[np.float32]
    """(M,) 1 where the face is detected, 0 where it is lost for more than `MAX_GAP` frames; short fades between."""
    rate: Fraction
    """The source's frames per second."""
    pixel_aspect: Fraction | None
    """Width to height of a pixel; `None` for square pixels."""
    notes: tuple[str, ...] = ()
    """What is damaged."""

    @property
    def last(self) -> float:
        """Presentation time of the last frame in seconds."""
        return float(self.times[-1])


def read_footage(
    video: Path,
    directory: Path,
    *,
    end: float | None = None,
    region: Region | None = None,
    tick: Callable[[], object] = lambda: None,
) -> Footage:
    """Track the most prominent face of a video and write its crops.

    Unlike `harness.stages.prepare_clip`, this accepts any length, no audio, and parts without a face.

    Args:
        video: The video.
        directory: An empty folder, which receives the crops and the face track.
        end: Seconds at which to stop reading.
        region: Where to search for the face; `None` is everywhere.
        tick: Called once a frame.

    Raises:
        ClipError: `decode_error`, `no_face` or `several_faces`.
    """
    info = probe(video)
    if info.video is None:
        raise ClipError(Status.DECODE_ERROR, f"{video.name}: no video stream")
    times: list[float] = []
    damage = Damage()
    with Landmarker() as landmarker:
        tracker = FaceTracker(landmarker, region, patient=True)
        for shown in _shown(video, end, damage):
            tracker.add(shown.picture)
            times.append(shown.time)
            tick()
        faces = tracker.finish()
    frame = Region(0, 0, info.video.width, info.video.height)
    box = crop_box(bounding(face.box for face in faces.values()), frame.width, frame.height)
    track = canonical_track(faces, tracker.frames, box, SIZE)
    digest = _write_crops(video, directory / "video.mkv", box, end)
    track.save(directory / "faces.npz")
    meta = {
        "id": "footage",
        "identity": "footage",
        "frames": tracker.frames,
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
        notes=tuple(damage.notes()),
    )


def presence(detected: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Opacity of the dub in each frame (M,); gaps of up to `MAX_GAP` frames were interpolated and count as detected."""
    visible = detected.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[True], detected, [True]]).astype(int)))
    for begin, stop in edges.reshape(-1, 2):
        visible[begin:stop] = stop - begin <= MAX_GAP
    opacity = visible.astype(np.float32)
    for distance in range(1, _FADE + 1):
        for shift in (-distance, distance):
            neighbour = np.ones(len(visible), bool)
            target = slice(max(0, shift), len(visible) + min(0, shift))
            neighbour[target] = visible[max(0, -shift) : len(visible) + min(0, -shift)]
            opacity[~neighbour] = np.minimum(opacity[~neighbour], distance / (_FADE + 1))
    return opacity


def _shown(video: Path, end: float | None, damage: Damage) -> Iterator[Shown]:
    # At least one frame, however short the audio is.
    end = None if end is None else max(end, 1 / FPS)
    with closing(shown_pictures(video, end=end, damage=damage)) as pictures:  # type: ignore[type-var]
        yield from pictures


def _write_crops(video: Path, path: Path, box: CropBox, end: float | None) -> str:
    """Write the crops; returns their sha256."""
    digest = hashlib.sha256()
    with LosslessWriter(path, SIZE, SIZE) as writer:
        for shown in _shown(video, end, Damage()):  # known from the first pass
            crops = cut(shown.picture[None], box, SIZE)
            writer.write(crops)
            digest.update(crops.data)
    return digest.hexdigest()


def _rate(video: Path, stated: float | None) -> Fraction:
    """Frame rate of the source, checked against the presentation times of the first ten seconds."""
    times: list[float] = []
    for timed in timed_frames(video, 0.0):
        times.append(timed.time)
        if timed.time > 10:
            break
    return output_rate(stated, np.array(times))


def _aspect(stated: str, rotation: int) -> Fraction | None:
    width, height = (int(part) for part in stated.split(":"))
    if width <= 0 or height <= 0 or width == height:
        return None
    return Fraction(height, width) if rotation in {90, 270} else Fraction(width, height)
