"""Reads a video generated elsewhere as the frames of its clip, or explains why it may not be scored.

A file must have the size, frame rate and length of its clip. Nothing is resized, rescaled in time or shifted to fit: a
mismatch is a typed failure that names the actual and the expected value.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import FPS, PreparedClip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.crop import CropBox, cut
from bench_lipsync.harness.media import Damage, VideoInfo, decode_video, probe

RULE = "external-v2"
"""Changes whenever the same file may give other frames or notes."""
GEOMETRIES = ("crop", "frame")
"""The frames are the clip's canonical crop, or the dataset's full frame, from which the same crop is cut."""
MAX_DRIFT = 5
"""Frames by which a file may be longer or shorter than its clip; published models drop up to 4 and add up to 3."""
RATE_TOLERANCE = 0.1
"""Frames per second."""
_LOSSLESS = frozenset({"ffv1", "huffyuv", "ffvhuff", "utvideo", "png", "rawvideo", "magicyuv", "qtrle", "bmp"})


class _Source(NamedTuple):
    """Format of the dataset's own footage of a clip."""

    width: int
    height: int
    rate: float | None
    box: CropBox


class PredictedVideo:
    """A file read as the frames of its clip; `notes` is complete once `frames` is exhausted."""

    def __init__(self, path: Path, clip: PreparedClip, geometry: str = "") -> None:
        """Check size and frame rate.

        Args:
            path: The file.
            clip: The clip that it belongs to.
            geometry: One of `GEOMETRIES`, or empty to derive it from the size.

        Raises:
            ClipError: `decode_error` for a file that is no video, `bad_output` for another size or rate.
        """
        video = probe(path).video
        if video is None:
            raise ClipError(Status.BAD_OUTPUT, f"{path.name} has no video stream")
        self._path, self._clip, self._source = path, clip, _source(clip)
        self._geometry = _geometry(video, clip, self._source, geometry)
        _check_rate(video, self._source)
        self.notes: list[str] = lossy_note(video)
        if self._geometry == "frame":
            self.notes.append("whole frames; the clip's own crop is cut from them")

    def frames(self, chunk: int = 32) -> Iterator[NDArray[np.uint8]]:
        """The frames of the clip.

        Up to `MAX_DRIFT` surplus frames are dropped, and as many missing ones replaced by the last frame; both are
        noted.

        Yields:
            Chunks (n, size, size, 3) uint8 RGB, `clip.frames` frames in all.

        Raises:
            ClipError: `bad_output`: more than `MAX_DRIFT` frames too many or too few; `decode_error`: too many damaged.
        """
        expected, count = self._clip.frames, 0
        last: NDArray[np.uint8] | None = None
        damage = Damage()
        for frames in decode_video(self._path, chunk=chunk, damage=damage):
            kept = frames[: max(0, expected - count)]
            count += len(frames)
            if count > expected + MAX_DRIFT:
                self._refuse(f"more than {expected + MAX_DRIFT}")
            if len(kept):
                crops = self._crop(kept)
                last = crops[-1:]
                yield crops
        if count < expected - MAX_DRIFT or last is None:
            self._refuse(str(count))
        self.notes += damage.notes()
        if count < expected and last is not None:
            self.notes.append(f"{expected - count} of {expected} frames missing; the last one is held")
            yield np.repeat(last, expected - count, axis=0)
        elif count > expected:
            self.notes.append(f"{count - expected} frames more than the clip's {expected}; left out")

    def _crop(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return cut(frames, self._source.box, self._clip.size) if self._geometry == "frame" else frames

    def _refuse(self, count: str) -> None:
        expected = f"{self._clip.frames} frames, give or take {MAX_DRIFT}"
        raise ClipError(Status.BAD_OUTPUT, f"{self._path.name} has {count} frames at {FPS} per second, not {expected}")


def _source(clip: PreparedClip) -> _Source:
    crop, video = clip.meta["crop"], clip.meta["source"]["video"] or {}
    box = CropBox(int(crop["x"]), int(crop["y"]), int(crop["side"]))
    return _Source(int(video.get("width", 0)), int(video.get("height", 0)), video.get("rate"), box)


def _geometry(video: VideoInfo, clip: PreparedClip, source: _Source, requested: str) -> str:
    size = (video.width, video.height)
    sizes = {"crop": (clip.size, clip.size), "frame": (source.width, source.height)}
    allowed = [name for name in GEOMETRIES if requested in ("", name)]
    matches = [name for name in allowed if sizes[name] == size]
    if len(matches) == 1 or (matches and source.box == CropBox(0, 0, clip.size)):
        return matches[0]
    if matches:
        raise ClipError(
            Status.BAD_OUTPUT,
            f"{size[0]}x{size[1]} is the size of the canonical crop and of the dataset's own frame; say which it is: "
            "--geometry crop or --geometry frame",
        )
    meaning = {"crop": "the canonical crop", "frame": "the dataset's own frame"}
    expected = " or ".join(f"{sizes[name][0]}x{sizes[name][1]} ({meaning[name]})" for name in allowed)
    raise ClipError(Status.BAD_OUTPUT, f"frames are {size[0]}x{size[1]}, expected {expected}; nothing is resized")


def _check_rate(video: VideoInfo, source: _Source) -> None:
    """Allow the canonical rate, and the dataset's own, which is resampled like the dataset's footage."""
    allowed = [float(FPS), *([source.rate] if source.rate else [])]
    if video.rate is not None and all(abs(video.rate - rate) > RATE_TOLERANCE for rate in allowed):
        listed = " or ".join(dict.fromkeys(f"{rate:g}" for rate in allowed))
        raise ClipError(Status.BAD_OUTPUT, f"{video.rate:.3f} frames per second, expected {listed}")


def lossy_note(video: VideoInfo) -> list[str]:
    """A note for files with lossy compression; empty for others."""
    if video.codec in _LOSSLESS and not video.pixel_format.startswith("yuv"):
        return []
    return [f"read from {video.codec} {video.pixel_format}: its coding loss is in the numbers"]
