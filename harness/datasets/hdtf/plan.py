"""Plans the preparation of HDTF: one outcome for each interval, from the metadata and the full videos at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench_lipsync.harness.datasets.discover import AUDIO_SUFFIXES, VIDEO_SUFFIXES, FoundFiles, find_files
from bench_lipsync.harness.datasets.hdtf.download import Downloader
from bench_lipsync.harness.datasets.hdtf.metadata import HdtfInterval, IntervalStatus, read_metadata
from bench_lipsync.harness.datasets.hdtf.names import parse_clip_name
from bench_lipsync.harness.datasets.splits import check_split, read_list

SIZE = 512
"""Side of the clips in pixels, as in the authors' own preparation."""


_PROBLEMS = {
    IntervalStatus.NO_CROP_ROW: "the metadata has no crop box for it",
    IntervalStatus.RESOLUTION_0: "the metadata does not say at which resolution its crop box was measured",
    IntervalStatus.CROP_OUTSIDE: "its crop box reaches below a frame of the listed resolution",
}


@dataclass(frozen=True)
class Outcome:
    """One row of the report."""

    interval: HdtfInterval
    status: IntervalStatus
    reason: str = ""

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
            "resolution": str(interval.video.resolution),
            "url": interval.video.url,
        }


@dataclass(frozen=True)
class Preparation:
    """Inputs and settings of a preparation."""

    videos: Path
    """Full videos `Name.*` or `SUBSET_Name.*` in any subfolders, with audio in or beside them."""
    out: Path
    size: int = SIZE
    force: bool = False
    """Replace existing clips."""
    downloader: Downloader | None = None


@dataclass(frozen=True)
class Source:
    """A full video at hand."""

    video: Path
    audio: Path | None
    """Separate audio file; `None` if the audio is in `video`."""


def plan(intervals: Sequence[HdtfInterval], job: Preparation) -> list[Outcome]:
    """The outcomes to expect from `prepare`, without changing anything: `planned`, `ok` (exists), or a failure."""
    sources = find_sources(job.videos)
    return [_plan_one(interval, job, sources) for interval in intervals]


def _plan_one(interval: HdtfInterval, job: Preparation, sources: dict[str, Source]) -> Outcome:
    if (problem := interval.problem) is not None:
        return Outcome(interval, problem, _PROBLEMS[problem])
    if target_of(interval, job).exists() and not job.force:
        return Outcome(interval, IntervalStatus.OK, "was there already")
    if source_of(interval, sources) is not None:
        return Outcome(interval, IntervalStatus.PLANNED)
    if job.downloader is not None:
        return Outcome(interval, IntervalStatus.PLANNED, "to be downloaded first")
    name = interval.video.name
    return Outcome(interval, IntervalStatus.VIDEO_MISSING, f"no {name}.mp4 (or .mkv, .webm, ...) in the data root")


def target_of(interval: HdtfInterval, job: Preparation) -> Path:
    """Path of the clip of `interval`."""
    return job.out / f"{interval.id}.mp4"


def source_of(interval: HdtfInterval, sources: dict[str, Source]) -> Source | None:
    """The full video of `interval`, if it is at hand."""
    video = interval.video
    return sources.get(f"{video.subset}_{video.name}") or sources.get(video.name)


def left_out(videos: Path) -> tuple[str, ...]:
    """Notices on files below `videos` that are left out."""
    return _media(videos).notices


def find_sources(videos: Path) -> dict[str, Source]:
    """Full videos by the part of their name before the first dot; yt-dlp's format numbers follow it."""
    # Clips may lie beside the full videos.
    files = [path for path in _media(videos).files if parse_clip_name(path.stem) is None]
    audio = {_key(path): path for path in reversed(files) if path.suffix.lower() in AUDIO_SUFFIXES}
    return {
        _key(path): Source(path, audio.get(_key(path)))
        for path in reversed(files)
        if path.suffix.lower() in VIDEO_SUFFIXES
    }


def _media(videos: Path) -> FoundFiles:
    if not videos.is_dir():
        return FoundFiles(videos)
    return find_files(videos, (*VIDEO_SUFFIXES, *AUDIO_SUFFIXES))


def _key(path: Path) -> str:
    return path.name.partition(".")[0]


def select(metadata: Path, split: str) -> list[HdtfInterval]:
    """The intervals whose identities belong to `split` (`auto` is `all` here: nothing is on disk yet)."""
    check_split(split)
    test = read_list("hdtf_test_identities")
    intervals = read_metadata(metadata).intervals
    if split in ("all", "auto"):
        return list(intervals)
    return [interval for interval in intervals if (interval.identity in test) == (split == "test")]
