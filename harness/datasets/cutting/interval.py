"""An interval of a full video that is to become a clip, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Protocol


class IntervalStatus(StrEnum):
    """Planned or final status of an interval."""

    OK = "ok"
    PLANNED = "planned"
    TRUNCATED = "truncated"
    """Cut, but the video at hand ends more than a second before the interval does."""
    VIDEO_MISSING = "video_missing"
    DOWNLOAD_FAILED = "download_failed"
    DECODE_ERROR = "decode_error"
    NO_AUDIO = "no_audio"
    NO_CROP_ROW = "no_crop_row"
    RESOLUTION_0 = "resolution_0"
    CROP_OUTSIDE = "crop_outside"
    METADATA_ERROR = "metadata_error"
    TOO_SHORT = "too_short"
    FACE_TOO_SMALL = "face_too_small"
    NEAR_BORDER = "near_border"
    """The face is too near to the border of the frame for the margin around it."""


WANTED = frozenset(
    {IntervalStatus.OK, IntervalStatus.TRUNCATED, IntervalStatus.FACE_TOO_SMALL, IntervalStatus.NEAR_BORDER}
)
"""Ends of an interval without `problem` that are no failure: it was cut, or the rule of the data set leaves it out."""


@dataclass(frozen=True)
class Problem:
    """Why an interval does not become a clip."""

    status: IntervalStatus
    reason: str


@dataclass(frozen=True)
class CropBox:
    """A square in pixels."""

    x: int
    y: int
    size: int


class FullVideo(Protocol):
    """A video on YouTube."""

    @property
    def name(self) -> str:
        """The name that its file gets: no path, no dot."""
        ...

    @property
    def file_names(self) -> tuple[str, ...]:
        """The names that its file may have, up to the first dot; the first one at hand is used."""
        ...

    @property
    def url(self) -> str:
        """Its page."""
        ...

    @property
    def resolution(self) -> int:
        """Height in pixels at which to download it; 0: any."""
        ...


class Interval(Protocol):
    """A part of a full video with one face to crop."""

    @property
    def id(self) -> str:
        """Id of the clip, safe as a file name."""
        ...

    @property
    def identity(self) -> str:
        """The speaker."""
        ...

    @property
    def video(self) -> FullVideo:
        """Where it is cut from."""
        ...

    @property
    def start(self) -> float:
        """Seconds into the full video."""
        ...

    @property
    def end(self) -> float:
        """Seconds."""
        ...

    @property
    def size(self) -> int:
        """Side of the clip in pixels."""
        ...

    @property
    def path(self) -> PurePosixPath:
        """The clip's file below the output folder."""
        ...

    @property
    def problem(self) -> Problem | None:
        """Why it cannot be cut from any video, or `None`."""
        ...

    @property
    def download_problem(self) -> Problem | None:
        """Why downloading the video would be in vain, or `None`."""
        ...

    @property
    def columns(self) -> dict[str, str]:
        """Further columns of the report."""
        ...

    def crop_in(self, width: int, height: int) -> CropBox | Problem:
        """The square to crop from frames of this size."""
        ...


@dataclass(frozen=True)
class Outcome:
    """One row of the report."""

    interval: Interval
    status: IntervalStatus
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether the interval should have become a clip and did not."""
        return self.interval.problem is None and self.status not in WANTED

    def row(self) -> dict[str, str]:
        """Values by column name."""
        interval = self.interval
        return {
            "id": interval.id,
            "identity": interval.identity,
            "status": str(self.status),
            "reason": self.reason,
            "start": f"{interval.start:g}",
            "end": f"{interval.end:g}",
            **interval.columns,
            "url": interval.video.url,
        }
