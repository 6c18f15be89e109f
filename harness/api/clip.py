"""Clips: as a dataset lists them (`Clip`) and as every model and metric gets them (`PreparedClip`).

A `Clip` points at footage as it lies on disk. A `PreparedClip` is its canonical form, made once by
`harness.stages.prepare_clip`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_lipsync.harness.media.format import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench_lipsync.harness.faces.track import FaceTrack

__all__ = ["FPS", "SAMPLES_PER_FRAME", "SAMPLE_RATE", "Clip", "PreparedClip"]


@dataclass(frozen=True)
class Clip:
    """One talking-face clip of a dataset, as footage on disk."""

    id: str
    """Stable, unique within the dataset, safe as a file name (see `harness.util.sanitize.safe_id`)."""
    identity: str
    """The speaker; the unit of statistics."""
    video: Path
    """Any file that FFmpeg reads."""
    audio: Path | None = None
    """Separate audio; `None` takes the video's own first audio stream."""
    start: float | None = None
    """Seconds into `video` where the clip begins; `None` is the beginning."""
    end: float | None = None
    """Seconds into `video` where the clip ends; `None` is the end."""
    box: tuple[int, int, int, int] | None = None
    """Pixels (x, y, width, height) of `video` to look at for the face; `None` is the whole frame."""
    split: str = "all"
    licence: str = "unstated"


@dataclass(frozen=True)
class AudioSource:
    """Audio that drives a clip in place of its own."""

    id: str
    """Stable, unique within a run, safe as a file name."""
    path: Path
    """Any audio or video file that FFmpeg reads."""
    start: float | None = None
    """Seconds into `path` where it begins; `None` is the beginning."""
    end: float | None = None
    """Seconds into `path` where it ends; `None` is the end."""


@dataclass(frozen=True)
class DrivenClip:
    """What a run scores: a clip with the audio that drives it. One clip may be driven by many audio files."""

    id: str
    """Unique within a run, safe as a file name; the clip's own id where no audio is named."""
    clip: Clip
    audio: AudioSource | None = None
    """`None`: the protocol's rule names it (`harness.run.audio_donors`)."""


@dataclass(frozen=True)
class PreparedClip:
    """The canonical form of a clip: the input of every model and metric.

    Layout of `directory`: `video.mkv` (lossless RGB, square crop, 25 fps), `audio.wav` (16 kHz mono s16, exactly
    `frames * 640` samples), `faces.npz` (`FaceTrack` in crop pixels), `meta.json` (everything else, as `meta`).
    """

    id: str
    identity: str
    directory: Path
    meta: dict[str, Any] = field(compare=False)

    @classmethod
    def load(cls, directory: Path) -> PreparedClip:
        """Open a directory that `harness.stages.prepare_clip` wrote."""
        meta = json.loads((directory / "meta.json").read_text(encoding="utf-8"))
        return cls(id=meta["id"], identity=meta["identity"], directory=directory, meta=meta)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return int(self.meta["frames"])

    @property
    def size(self) -> int:
        """Side of the square crop in pixels."""
        return int(self.meta["size"])

    @property
    def content_hash(self) -> str:
        """sha256 over the decoded frames, the samples and the face track."""
        return str(self.meta["content_hash"])

    @property
    def notes(self) -> tuple[str, ...]:
        """What is known about the footage and belongs beside every number of the clip."""
        return tuple(self.meta.get("notes", ()))

    @property
    def video_path(self) -> Path:
        """The lossless canonical video."""
        return self.directory / "video.mkv"

    def read_frames(self, start: int = 0, stop: int | None = None, chunk: int = 32) -> Iterator[NDArray[np.uint8]]:
        """Chunks (n, size, size, 3) uint8 RGB of frames `start:stop`; memory is bounded by `chunk`."""
        from bench_lipsync.harness.media import read_lossless
        from bench_lipsync.harness.util.spans import timed

        return timed(read_lossless(self.video_path, start=start, stop=stop, chunk=chunk), "decode", "crops")

    def audio(self) -> NDArray[np.int16]:
        """All samples, int16 of shape (frames * 640,)."""
        from bench_lipsync.harness.media import read_wav

        return read_wav(self.directory / "audio.wav")

    @cached_property
    def faces(self) -> FaceTrack:
        """Landmarks, pose and expression of every frame, in crop pixels."""
        from bench_lipsync.harness.faces.track import FaceTrack

        return FaceTrack.load(self.directory / "faces.npz")
