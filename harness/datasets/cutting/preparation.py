"""Plans and carries out the preparation of a data set from full videos, with one outcome for each interval."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench_lipsync.harness.api.clip import FPS
from bench_lipsync.harness.datasets.cutting.cut import cut_clip
from bench_lipsync.harness.datasets.cutting.download import Downloader, VideoUnavailableError
from bench_lipsync.harness.datasets.cutting.interval import CropBox, Interval, IntervalStatus, Outcome, Problem
from bench_lipsync.harness.datasets.discover import AUDIO_SUFFIXES, VIDEO_SUFFIXES, FoundFiles, find_files, shown
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.util.files import sweep_run_folder, write_text_atomically


@dataclass(frozen=True)
class Preparation:
    """Inputs and settings of a preparation."""

    videos: Path
    """Full videos `NAME.*` in any subfolders, with audio in or beside them."""
    out: Path
    force: bool = False
    """Replace existing clips."""
    downloader: Downloader | None = None


@dataclass(frozen=True)
class _Source:
    """A full video at hand."""

    video: Path
    audio: Path | None
    """Separate audio file; `None` if the audio is in `video`."""


def plan(intervals: Sequence[Interval], job: Preparation) -> list[Outcome]:
    """The outcomes to expect from `prepare`, without changing anything: `planned`, `ok` (exists), or a failure."""
    sources = _sources(_media(job.videos).files)
    return [_plan_one(interval, job, sources) for interval in intervals]


def _plan_one(interval: Interval, job: Preparation, sources: dict[str, _Source]) -> Outcome:
    if (problem := interval.problem) is not None:
        return Outcome(interval, problem.status, problem.reason)
    if (job.out / interval.path).exists() and not job.force:
        return Outcome(interval, IntervalStatus.OK, "was there already")
    if _source_of(interval, sources) is not None:
        return Outcome(interval, IntervalStatus.PLANNED)
    if job.downloader is None:
        name = interval.video.name
        return Outcome(interval, IntervalStatus.VIDEO_MISSING, f"no {name}.mp4 (or .mkv, .webm, ...) in the data root")
    if (problem := interval.download_problem) is not None:
        return Outcome(interval, problem.status, problem.reason)
    return Outcome(interval, IntervalStatus.PLANNED, "to be downloaded first")


def prepare(planned: Sequence[Outcome], job: Preparation) -> Iterator[Outcome]:
    """Carry out a plan; failures do not stop it.

    A clip appears under its name only when it is complete, so an interrupted preparation can be resumed.

    Yields:
        The final outcome of every planned one, in order.

    Raises:
        BenchError: A folder or a clip cannot be written.
    """
    for folder in (job.out, *([job.videos] if job.downloader else [])):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BenchError(f"cannot make the folder {shown(folder)}: {error.strerror}") from error
    sweep_run_folder(job.out)
    sources = _sources(_media(job.videos).files)
    failed: dict[str, str] = {}
    for outcome in planned:
        if outcome.status is not IntervalStatus.PLANNED:
            yield outcome
            continue
        interval, name = outcome.interval, outcome.interval.video.name
        if _source_of(interval, sources) is None and job.downloader is not None and name not in failed:
            try:
                job.downloader.fetch(interval.video, job.videos)
                failed[name] = "the download left no video that can be used"
            except VideoUnavailableError as error:
                failed[name] = str(error)
            sources |= _sources(path for path in sorted(job.videos.iterdir()) if _key(path) == name and path.is_file())
        source = _source_of(interval, sources)
        if source is None:
            yield replace(outcome, status=IntervalStatus.DOWNLOAD_FAILED, reason=failed[name])
        else:
            yield _cut(interval, source, job)


def _cut(interval: Interval, source: _Source, job: Preparation) -> Outcome:
    from bench_lipsync.harness.media import Damage

    damage = Damage()
    try:
        crop = _crop_for(interval, source.video)
        if isinstance(crop, Problem):
            return Outcome(interval, crop.status, crop.reason)
        start, end, out = interval.start, interval.end, job.out / interval.path
        frames = cut_clip(
            source.video, source.audio, crop, out, start=start, end=end, size=interval.size, damage=damage
        )
    except ClipError as error:
        status = IntervalStatus.NO_AUDIO if error.status is Status.NO_AUDIO else IntervalStatus.DECODE_ERROR
        return Outcome(interval, status, shown(error.reason))
    seconds, expected = frames / FPS, end - start
    if expected - seconds > 1:
        return Outcome(
            interval, IntervalStatus.TRUNCATED, f"{seconds:.2f} s of {expected:.0f} s: the video at hand is shorter"
        )
    return Outcome(interval, IntervalStatus.OK, "; ".join(damage.notes()))


def _crop_for(interval: Interval, video: Path) -> CropBox | Problem:
    from bench_lipsync.harness.media import probe

    info = probe(video).video
    if info is None:
        raise ClipError(Status.DECODE_ERROR, f"{video.name}: no video stream")
    return interval.crop_in(info.width, info.height)


def _source_of(interval: Interval, sources: dict[str, _Source]) -> _Source | None:
    return next((sources[name] for name in interval.video.file_names if name in sources), None)


def left_out(videos: Path) -> tuple[str, ...]:
    """Notices on files below `videos` that are left out."""
    return _media(videos).notices


def _media(videos: Path) -> FoundFiles:
    if not videos.is_dir():
        return FoundFiles(videos)
    return find_files(videos, (*VIDEO_SUFFIXES, *AUDIO_SUFFIXES))


def _sources(paths: Iterable[Path]) -> dict[str, _Source]:
    """Full videos by the part of their name before the first dot; yt-dlp's format numbers follow it."""
    files = list(paths)[::-1]
    audio = {_key(path): path for path in files if path.suffix.lower() in AUDIO_SUFFIXES}
    return {_key(path): _Source(path, audio.get(_key(path))) for path in files if path.suffix.lower() in VIDEO_SUFFIXES}


def _key(path: Path) -> str:
    return path.name.partition(".")[0]


def report_of(dataset: str, folder: Path) -> Path:
    """Path of the report of a preparation into `folder`."""
    return folder / f"{dataset}_report.csv"


def write_report(outcomes: Sequence[Outcome], path: Path) -> Path:
    """Write one row for each interval; returns the path."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(outcomes[0].row()) if outcomes else ["id"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(outcome.row() for outcome in outcomes)
    return write_text_atomically(path, text.getvalue())
