"""HDTF's published text files, joined by name into intervals; missing entries become a `problem`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bench_lipsync.harness.datasets.cutting import CropBox
from bench_lipsync.harness.datasets.discover import shown
from bench_lipsync.harness.datasets.hdtf.interval import HdtfInterval, HdtfVideo
from bench_lipsync.harness.datasets.hdtf.names import SUBSETS, is_video_name
from bench_lipsync.harness.datasets.splits import check_split, read_list
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.util.text_files import read_text

_TIMES = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):(\d{2})-(?:(\d{1,2}):)?(\d{1,3}):(\d{2})", re.ASCII)
_URL = re.compile(r"https://www\.youtube\.com/watch\?v=[A-Za-z0-9_-]{11}(?:&[A-Za-z0-9_=&-]*)?", re.ASCII)
TEST_LIST = "hdtf_test_identities"
_KINDS = ("video_url", "annotion_time", "resolution", "crop_wh")  # Sic: the files are named "annotion".


@dataclass(frozen=True)
class HdtfMetadata:
    """The complete metadata of HDTF."""

    videos: tuple[HdtfVideo, ...]
    """Every listed video, also one without any interval (RD's Radio24)."""
    intervals: tuple[HdtfInterval, ...]
    """Sorted by id."""


def read_metadata(folder: Path) -> HdtfMetadata:
    """Read `{RD,WDA,WRA}_{video_url,annotion_time,resolution,crop_wh}.txt`.

    Raises:
        BenchError: A file is missing, or a row is malformed or repeated; the message names the file and the row.
    """
    videos: list[HdtfVideo] = []
    intervals: list[HdtfInterval] = []
    for subset in SUBSETS:
        urls, times, resolutions, crops = (_Table.read(folder / f"{subset}_{kind}.txt") for kind in _KINDS)
        for name, row in urls.rows.items():
            resolution = resolutions.rows.get(name, ["0"])
            video = HdtfVideo(subset, name, urls.url(name, row), resolutions.integers(name, resolution, 1)[0])
            videos.append(video)
            for index, text in enumerate(times.rows.get(name, [])):
                crop = crops.rows.get(f"{name}_{index}")
                start, end = times.seconds(name, text)
                box = None if crop is None else crops.box(f"{name}_{index}", crop)
                intervals.append(HdtfInterval(video, index, start, end, box))
        if orphans := sorted(set(times.rows) - set(urls.rows)):
            raise BenchError(
                f"{times.path.name}: {shown(orphans[0])} is not in {urls.path.name}; take all files of one version"
            )
    return HdtfMetadata(tuple(videos), tuple(sorted(intervals, key=lambda interval: interval.id)))


def select(folder: Path, split: str) -> list[HdtfInterval]:
    """The intervals whose identities belong to `split` (`auto` is `all` here: nothing is on disk yet)."""
    check_split(split)
    test = read_list(TEST_LIST)
    intervals = read_metadata(folder).intervals
    if split in ("all", "auto"):
        return list(intervals)
    return [interval for interval in intervals if (interval.identity in test) == (split == "test")]


@dataclass(frozen=True)
class _Table:
    """Rows of one file by name (without `.mp4`); the files have different orders."""

    path: Path
    rows: dict[str, list[str]]

    @classmethod
    def read(cls, path: Path) -> _Table:
        try:
            text = read_text(path, "the list")  # WDA_video_url.txt begins with a byte order mark
        except BenchError as error:
            folder = "--metadata needs the files of the folder HDTF_dataset of github.com/MRzzm/HDTF"
            raise BenchError(f"{error}; {folder}") from error
        table = cls(path, {})
        for line in filter(str.strip, text.splitlines()):
            name, *values = line.split()
            name = name.removesuffix(".mp4")
            if not is_video_name(name.replace("_", "")) or not values:
                raise table.error(name, "is not a name followed by values")
            if name in table.rows:
                raise table.error(name, "is there twice")
            table.rows[name] = values
        return table

    def error(self, name: str, problem: str) -> BenchError:
        return BenchError(f"{self.path.name}: {shown(name)!r} {problem}")

    def url(self, name: str, row: list[str]) -> str:
        if len(row) != 1 or not _URL.fullmatch(row[0]) or not is_video_name(name):
            raise self.error(name, f"has no YouTube address but {shown(' '.join(row))!r}")
        return row[0]

    def integers(self, name: str, row: list[str], count: int) -> list[int]:
        if len(row) != count or not all(value.isascii() and value.isdigit() and len(value) < 6 for value in row):
            raise self.error(name, f"needs {count} whole numbers, not {shown(' '.join(row))!r}")
        return [int(value) for value in row]

    def box(self, name: str, row: list[str]) -> CropBox:
        x, width, y, height = self.integers(name, row, 4)  # In the order of the files.
        if width != height or width == 0:
            raise self.error(name, f"has a crop of {width}x{height}, which is not a square")
        return CropBox(x, y, width)

    def seconds(self, name: str, text: str) -> tuple[float, float]:
        match = _TIMES.fullmatch(text)
        if match is None:
            raise self.error(name, f"has the time {shown(text)!r}, which is not MM:SS-MM:SS")
        h0, m0, s0, h1, m1, s1 = (int(value or 0) for value in match.groups())
        start, end = 3600 * h0 + 60 * m0 + s0, 3600 * h1 + 60 * m1 + s1
        if end <= start:
            raise self.error(name, f"has the time {text!r}, which ends before it begins")
        return float(start), float(end)
