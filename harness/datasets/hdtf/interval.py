"""An interval of HDTF: its place in a full video, and its crop box."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from bench_lipsync.harness.datasets.cutting import CropBox, IntervalStatus, Problem
from bench_lipsync.harness.datasets.hdtf.names import identity_of

SIZE = 512
"""Side of the clips in pixels, as in the authors' own preparation."""
_ROUNDING = 2


@dataclass(frozen=True)
class HdtfVideo:
    """A full video."""

    subset: str
    name: str
    url: str
    resolution: int
    """Frame height at which the crop boxes were measured; 0 where the list has 0 or no entry."""

    @property
    def file_names(self) -> tuple[str, ...]:
        """With the subset, as clips are named, or without it."""
        return f"{self.subset}_{self.name}", self.name


@dataclass(frozen=True)
class HdtfInterval:
    """An interval of a full video with one face to crop."""

    video: HdtfVideo
    index: int
    start: float
    """Seconds into the full video."""
    end: float
    crop: CropBox | None
    """In pixels of the frame at the listed resolution."""

    @property
    def id(self) -> str:
        """`SUBSET_Name_iii`."""
        return f"{self.video.subset}_{self.video.name}_{self.index:03d}"

    @property
    def identity(self) -> str:
        """The speaker."""
        return identity_of(self.video.name)

    @property
    def size(self) -> int:
        """Side of the clip in pixels."""
        return SIZE

    @property
    def path(self) -> PurePosixPath:
        """The clip's file below the output folder."""
        return PurePosixPath(f"{self.id}.mp4")

    @property
    def problem(self) -> Problem | None:
        """Why this interval cannot be cut from any video, or `None`."""
        if self.crop is None:
            return Problem(IntervalStatus.NO_CROP_ROW, "the metadata has no crop box for it")
        if self.video.resolution <= 0:
            reason = "the metadata does not say at which resolution its crop box was measured"
            return Problem(IntervalStatus.RESOLUTION_0, reason)
        if self.crop.y + self.crop.size > self.video.resolution:
            reason = "its crop box reaches below a frame of the listed resolution"
            return Problem(IntervalStatus.CROP_OUTSIDE, reason)
        return None

    @property
    def download_problem(self) -> None:
        """Every video that exists is worth its download."""
        return None

    @property
    def columns(self) -> dict[str, str]:
        """Further columns of the report."""
        return {"resolution": str(self.video.resolution)}

    def crop_in(self, width: int, height: int) -> CropBox | Problem:
        """The crop box, scaled to frames of this size."""
        if self.crop is None:  # Excluded by `problem`.
            raise ValueError(self.id)
        reason = "its crop box exceeds the frame of the video at hand, or is smaller than a pixel of it"
        return scale_crop(self.crop, self.video.resolution, width, height) or Problem(
            IntervalStatus.CROP_OUTSIDE, reason
        )


def scale_crop(crop: CropBox, resolution: int, width: int, height: int) -> CropBox | None:
    """Scale a crop box to another resolution.

    Args:
        crop: The box, measured at `resolution`.
        resolution: Frame height in pixels.
        width: Frame width of the video at hand.
        height: Frame height of the video at hand.

    Returns:
        The scaled box. Up to two pixels beyond the border count as rounding and are cut off; `None` if it reaches
        further out, or is smaller than a pixel.
    """
    factor = height / resolution
    x, y, size = (round(value * factor) for value in (crop.x, crop.y, crop.size))
    excess = max(x + size - width, y + size - height, 0)
    return CropBox(x, y, size - excess) if excess <= _ROUNDING and size > excess else None
