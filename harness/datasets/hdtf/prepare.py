"""Cuts HDTF clips from full videos by a plan, and reports every interval."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench_lipsync.harness.api.clip import FPS
from bench_lipsync.harness.datasets.discover import shown
from bench_lipsync.harness.datasets.hdtf.cut import cut_clip, scale_crop
from bench_lipsync.harness.datasets.hdtf.download import VideoUnavailableError
from bench_lipsync.harness.datasets.hdtf.metadata import CropBox, HdtfInterval, IntervalStatus
from bench_lipsync.harness.datasets.hdtf.plan import (
    Outcome,
    Preparation,
    Source,
    find_sources,
    source_of,
    target_of,
)
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.util.files import sweep_unfinished, write_text_atomically

REPORT = "hdtf_report.csv"


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
    sweep_unfinished(job.out)
    sources = find_sources(job.videos)
    failed: dict[str, str] = {}
    for outcome in planned:
        if outcome.status is not IntervalStatus.PLANNED:
            yield outcome
            continue
        interval = outcome.interval
        if source_of(interval, sources) is None and job.downloader is not None and interval.video.name not in failed:
            try:
                job.downloader.fetch(interval.video, job.videos)
            except VideoUnavailableError as error:
                failed[interval.video.name] = str(error)
            sources = find_sources(job.videos)
        source = source_of(interval, sources)
        if source is None:
            reason = failed.get(interval.video.name, "the download left no video that can be used")
            yield replace(outcome, status=IntervalStatus.DOWNLOAD_FAILED, reason=reason)
        else:
            yield _cut(interval, source, job)


def _cut(interval: HdtfInterval, source: Source, job: Preparation) -> Outcome:
    from bench_lipsync.harness.media import Damage

    damage = Damage()
    try:
        crop = _crop_for(interval, source.video)
        if crop is None:
            reason = "its crop box exceeds the frame of the video at hand, or is smaller than a pixel of it"
            return Outcome(interval, IntervalStatus.CROP_OUTSIDE, reason)
        target = target_of(interval, job)
        start, end = interval.start, interval.end
        frames = cut_clip(source.video, source.audio, crop, target, start=start, end=end, size=job.size, damage=damage)
    except ClipError as error:
        status = IntervalStatus.NO_AUDIO if error.status is Status.NO_AUDIO else IntervalStatus.DECODE_ERROR
        return Outcome(interval, status, shown(error.reason))
    seconds, expected = frames / FPS, end - start
    if expected - seconds > 1:
        return Outcome(
            interval, IntervalStatus.TRUNCATED, f"{seconds:.2f} s of {expected:.0f} s: the video at hand is shorter"
        )
    return Outcome(interval, IntervalStatus.OK, "; ".join(damage.notes()))


def _crop_for(interval: HdtfInterval, video: Path) -> CropBox | None:
    from bench_lipsync.harness.media import probe

    info = probe(video).video
    if info is None:
        raise ClipError(Status.DECODE_ERROR, f"{video.name}: no video stream")
    if interval.crop is None:  # Excluded by `plan`.
        raise ValueError(interval.id)
    return scale_crop(interval.crop, interval.video.resolution, info.width, info.height)


def write_report(outcomes: Sequence[Outcome], folder: Path) -> Path:
    """Write `hdtf_report.csv` with one row for each interval; returns its path."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(outcomes[0].row()) if outcomes else ["id"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(outcome.row() for outcome in outcomes)
    return write_text_atomically(folder / REPORT, text.getvalue())
