"""A video that somebody else made as the frames of its clip, or why they may not be scored.

A file must have the size, the rate and the length of the clip that it claims to be. Nothing is resized, stretched or
shifted to fit: what does not match ends as a typed failure that says what was found and what was expected.
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
from bench_lipsync.harness.media import VideoInfo, decode_video, probe

RULE = "external-v1"
"""Changes whenever the same file may give other frames."""
GEOMETRIES = ("crop", "frame")
"""The picture is the clip's canonical crop, or the dataset's whole frame, from which the same crop is cut."""
MAX_DRIFT = 5
"""Frames by which a file may be longer or shorter than its clip; published models lose up to 4 and add up to 3."""
RATE_TOLERANCE = 0.1
"""Frames per second."""
_LOSSLESS = frozenset({"ffv1", "huffyuv", "ffvhuff", "utvideo", "png", "rawvideo", "magicyuv", "qtrle", "bmp"})


class _Source(NamedTuple):
    """What the dataset's own footage of a clip looks like."""

    width: int
    height: int
    rate: float | None
    box: CropBox


class PredictedVideo:
    """One file as the frames of its clip; `notes` is complete once `frames` has been read to its end."""

    def __init__(self, path: Path, clip: PreparedClip, geometry: str = "") -> None:
        """Check size and rate. `geometry` is one of `GEOMETRIES`, or empty to tell it by the size.

        Raises `ClipError`: `decode_error` for what is no video, `bad_output` for another size or rate.
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
        """Chunks (n, size, size, 3) uint8 RGB, `clip.frames` frames in all.

        A few frames too many are left out and a few too few are filled by holding the last one, which is noted; more
        than `MAX_DRIFT` raise `ClipError` (`bad_output`).
        """
        expected, count = self._clip.frames, 0
        last: NDArray[np.uint8] | None = None
        for pictures in decode_video(self._path, chunk=chunk):
            kept = pictures[: max(0, expected - count)]
            count += len(pictures)
            if count > expected + MAX_DRIFT:
                self._refuse(f"more than {expected + MAX_DRIFT}")
            if len(kept):
                crops = self._crop(kept)
                last = crops[-1:]
                yield crops
        if count < expected - MAX_DRIFT or last is None:
            self._refuse(str(count))
        if count < expected and last is not None:
            self.notes.append(f"{expected - count} of {expected} frames missing; the last one is held")
            yield np.repeat(last, expected - count, axis=0)
        elif count > expected:
            self.notes.append(f"{count - expected} frames more than the clip's {expected}; left out")

    def _crop(self, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return cut(pictures, self._source.box, self._clip.size) if self._geometry == "frame" else pictures

    def _refuse(self, count: str) -> None:
        expected = f"{self._clip.frames} frames, give or take {MAX_DRIFT}"
        raise ClipError(Status.BAD_OUTPUT, f"{self._path.name} has {count} frames at {FPS} per second, not {expected}")


def _source(clip: PreparedClip) -> _Source:
    crop, video = clip.meta["crop"], clip.meta["source"]["video"] or {}
    box = CropBox(int(crop["x"]), int(crop["y"]), int(crop["side"]))
    return _Source(int(video.get("width", 0)), int(video.get("height", 0)), video.get("rate"), box)


def _geometry(video: VideoInfo, clip: PreparedClip, source: _Source, wanted: str) -> str:
    size = (video.width, video.height)
    sizes = {"crop": (clip.size, clip.size), "frame": (source.width, source.height)}
    fitting = [name for name in GEOMETRIES if sizes[name] == size and wanted in ("", name)]
    if len(fitting) == 1 or (fitting and source.box == CropBox(0, 0, clip.size)):
        return fitting[0]
    if fitting:
        raise ClipError(
            Status.BAD_OUTPUT,
            f"{size[0]}x{size[1]} is the size of the canonical crop and of the dataset's own frame; say which it is: "
            "--geometry crop or --geometry frame",
        )
    expected = " or ".join(
        f"{sizes[name][0]}x{sizes[name][1]} ({what})"
        for name, what in (("crop", "the canonical crop"), ("frame", "the dataset's own frame"))
        if wanted in ("", name)
    )
    raise ClipError(Status.BAD_OUTPUT, f"pictures are {size[0]}x{size[1]}, expected {expected}; nothing is resized")


def _check_rate(video: VideoInfo, source: _Source) -> None:
    """The canonical rate, or the dataset's own, which is resampled as the dataset's footage was."""
    allowed = [float(FPS), *([source.rate] if source.rate else [])]
    if video.rate is not None and all(abs(video.rate - rate) > RATE_TOLERANCE for rate in allowed):
        listed = " or ".join(dict.fromkeys(f"{rate:g}" for rate in allowed))
        raise ClipError(Status.BAD_OUTPUT, f"{video.rate:.3f} frames per second, expected {listed}")


def lossy_note(video: VideoInfo) -> list[str]:
    """What a reader must know of a file whose pictures went through lossy coding; nothing for the others."""
    if video.codec in _LOSSLESS and not video.pixel_format.startswith("yuv"):
        return []
    return [f"read from {video.codec} {video.pixel_format}: its coding loss is in the numbers"]
