from __future__ import annotations

import csv
import os
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from dataset_footage import gradient, noise, numbered, read_number, write_hdtf_metadata, write_movie
from media_files import break_packets

from bench_lipsync.harness.api.dataset import ClipRequest
from bench_lipsync.harness.datasets.cutting import (
    CropBox,
    IntervalStatus,
    Outcome,
    Preparation,
    YtDlp,
    plan,
    prepare,
    report_of,
    write_report,
)
from bench_lipsync.harness.datasets.cutting.download import VideoUnavailableError
from bench_lipsync.harness.datasets.hdtf import HdtfDataset, select
from bench_lipsync.harness.datasets.hdtf.interval import HdtfInterval, HdtfVideo, scale_crop
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.media import decode_audio, decode_video, probe

SECONDS = 15


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hdtf_metadata(tmp_path_factory.mktemp("metadata"))


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full video at a quarter of the listed resolution: the crop 342,0,591 at 720 is 86,0,148 here."""
    folder = tmp_path_factory.mktemp("videos")
    frames = [numbered(index) for index in range(SECONDS * 25)]
    write_movie(folder / "JaneDoe0.mkv", frames, noise(SECONDS))
    return folder


def run(intervals: list[HdtfInterval], job: Preparation) -> dict[str, Outcome]:
    return {outcome.interval.id: outcome for outcome in prepare(plan(intervals, job), job)}


def frames_of(path: Path) -> np.ndarray:
    return np.concatenate(list(decode_video(path)))


def test_every_interval_gets_a_row_and_the_right_frames(tmp_path: Path, metadata: Path, videos: Path) -> None:
    job = Preparation(videos, tmp_path)
    outcomes = run(select(metadata, "all"), job)
    assert {name: outcome.status for name, outcome in outcomes.items()} == {
        "WDA_JaneDoe0_000": IntervalStatus.OK,
        "WDA_JaneDoe0_001": IntervalStatus.OK,
        "WDA_NoCrop_000": IntervalStatus.NO_CROP_ROW,
        "WRA_Gone-Away_000": IntervalStatus.VIDEO_MISSING,
        "WRA_Nought_000": IntervalStatus.RESOLUTION_0,
        "WRA_TooLow_000": IntervalStatus.CROP_OUTSIDE,
    }
    scale = 512 / 148
    for name, first, top in (("WDA_JaneDoe0_000", 25, 0), ("WDA_JaneDoe0_001", 300, 5)):
        frames = frames_of(tmp_path / f"{name}.mp4")
        assert frames.shape == (50, 512, 512, 3)
        numbers = [read_number(frame, 86, top, scale) for frame in frames]
        assert numbers == list(range(first, first + 50))
        sound = decode_audio(tmp_path / f"{name}.mp4")
        np.testing.assert_array_equal(sound, noise(SECONDS)[first * 640 : (first + 50) * 640])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["WDA_JaneDoe0_000.mp4", "WDA_JaneDoe0_001.mp4"]
    found = HdtfDataset().clips(ClipRequest(tmp_path, "all"))
    assert [clip.id for clip in found.clips] == ["WDA_JaneDoe0_000", "WDA_JaneDoe0_001"]


def test_the_crop_and_the_colours_are_right(tmp_path: Path, metadata: Path) -> None:
    write_movie(tmp_path / "WDA_JaneDoe0.mp4", [gradient()] * 100, noise(4))
    run(select(metadata, "all")[:1], Preparation(tmp_path, tmp_path / "out"))
    picture = frames_of(tmp_path / "out" / "WDA_JaneDoe0_000.mp4")[10].astype(int)
    source = frames_of(tmp_path / "WDA_JaneDoe0.mp4")[0].astype(int)
    for row, column in ((0, 0), (0, 511), (511, 0), (511, 511), (256, 256)):
        expected = source[min(round(row * 148 / 512), 147), 86 + min(round(column * 148 / 512), 147)]
        assert np.abs(picture[row, column] - expected).max() <= 4
    info = probe(tmp_path / "out" / "WDA_JaneDoe0_000.mp4")
    assert info.video is not None and info.audio is not None
    assert (info.video.codec, info.video.rate, info.audio.codec, info.audio.rate) == ("h264", 25, "flac", 16000)


def test_thirty_frames_a_second_become_the_nearest_of_twenty_five(tmp_path: Path, metadata: Path) -> None:
    write_movie(tmp_path / "JaneDoe0.mkv", [numbered(index) for index in range(120)], noise(4), fps=30)
    run(select(metadata, "all")[:1], Preparation(tmp_path, tmp_path / "out"))
    numbers = [read_number(frame, 86, 0, 512 / 148) for frame in frames_of(tmp_path / "out" / "WDA_JaneDoe0_000.mp4")]
    assert len(numbers) == 50
    assert all(abs(number / 30 - (1 + index / 25)) <= 0.5 / 30 + 1e-3 for index, number in enumerate(numbers))


def test_what_is_there_is_kept_unless_forced(tmp_path: Path, metadata: Path, videos: Path) -> None:
    (tmp_path / "WDA_JaneDoe0_000.mp4").write_bytes(b"made before")
    first = select(metadata, "all")[:1]
    assert run(first, Preparation(videos, tmp_path))["WDA_JaneDoe0_000"].reason == "was there already"
    assert (tmp_path / "WDA_JaneDoe0_000.mp4").read_bytes() == b"made before"
    run(first, Preparation(videos, tmp_path, force=True))
    assert len(frames_of(tmp_path / "WDA_JaneDoe0_000.mp4")) == 50


def test_videos_that_fail_leave_nothing_behind(tmp_path: Path, metadata: Path) -> None:
    out = tmp_path / "out"
    two = select(metadata, "all")[:2]
    frames = [gradient()] * 60
    write_movie(tmp_path / "short" / "JaneDoe0.mp4", frames, noise(3))
    outcomes = run(two, Preparation(tmp_path / "short", out))
    assert outcomes["WDA_JaneDoe0_000"].status is IntervalStatus.OK, "less than a second is missing"
    assert outcomes["WDA_JaneDoe0_001"].status is IntervalStatus.DECODE_ERROR
    assert "ends before the interval begins at 12 s" in outcomes["WDA_JaneDoe0_001"].reason
    write_movie(tmp_path / "mute" / "JaneDoe0.mp4", frames)
    assert run(two[:1], Preparation(tmp_path / "mute", out / "m"))["WDA_JaneDoe0_000"].status is IntervalStatus.NO_AUDIO
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "JaneDoe0.mp4").write_text("not a video")
    assert (
        run(two[:1], Preparation(tmp_path / "bad", out / "b"))["WDA_JaneDoe0_000"].status is IntervalStatus.DECODE_ERROR
    )
    assert [path.name for path in out.rglob("*.mp4")] == ["WDA_JaneDoe0_000.mp4"]
    assert not [path for path in out.rglob("*") if path.name.startswith(".")]


def test_a_shorter_video_is_truncated_with_its_length(tmp_path: Path, metadata: Path) -> None:
    write_movie(tmp_path / "JaneDoe0.mp4", [gradient()] * 320, noise(12.8))
    outcome = run(select(metadata, "all")[1:2], Preparation(tmp_path, tmp_path / "out"))["WDA_JaneDoe0_001"]
    assert outcome.status is IntervalStatus.TRUNCATED and outcome.reason.startswith("0.80 s of 2 s")


def test_what_is_damaged_is_in_the_report(tmp_path: Path, metadata: Path) -> None:
    """The clip is encoded anew, so that nothing of it shows the damage any more."""
    whole = write_movie(tmp_path / "all" / "JaneDoe0.mp4", [numbered(index) for index in range(100)], noise(4))
    for numbers, status in [(range(48, 50), IntervalStatus.OK), (range(51, 53), IntervalStatus.DECODE_ERROR)]:
        folder = tmp_path / str(numbers.start)
        folder.mkdir()
        shutil.copy(break_packets(whole, numbers, noise=False), folder / "JaneDoe0.mp4")
        outcome = run(select(metadata, "all")[:1], Preparation(folder, folder / "out"))["WDA_JaneDoe0_000"]
        assert outcome.status is status
        assert "frames are damaged" in outcome.reason


def test_a_place_that_cannot_be_written_ends_everything(
    tmp_path: Path, metadata: Path, videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = {
        13: r"cannot write .*WDA_JaneDoe0_000\.mp4: Permission denied",
        28: r"writing below .* failed: No space left on device.*Make room there",
    }
    for code, message in reasons.items():

        def refuse(self: Path, target: Path, code: int = code) -> Path:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(Path, "replace", refuse)
        with pytest.raises(BenchError, match=message):
            run(select(metadata, "all")[:1], Preparation(videos, tmp_path))
        assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match="cannot make the folder"):
        run(select(metadata, "all")[:1], Preparation(videos, tmp_path / "file" / "out"))


def test_a_picture_too_narrow_for_the_crop_is_said(tmp_path: Path, metadata: Path) -> None:
    write_movie(tmp_path / "JaneDoe0.mp4", [gradient()[:, :200]] * 100, noise(4))
    outcome = run(select(metadata, "all")[:1], Preparation(tmp_path, tmp_path / "out"))["WDA_JaneDoe0_000"]
    assert outcome.status is IntervalStatus.CROP_OUTSIDE and "video at hand" in outcome.reason


def test_scale_crop() -> None:
    crop = CropBox(342, 0, 591)
    assert scale_crop(crop, 720, 1280, 720) == crop
    assert scale_crop(crop, 720, 1920, 1080) == CropBox(513, 0, 886)
    assert scale_crop(CropBox(0, 0, 720), 720, 486, 486) == CropBox(0, 0, 486)
    assert scale_crop(CropBox(1, 1, 719), 719, 720, 719) == CropBox(1, 1, 718), "rounding is cut off"
    assert scale_crop(crop, 720, 900, 720) is None
    assert scale_crop(CropBox(5, 5, 1), 720, 320, 180) is None, "a quarter of a pixel"


class Shop:
    """Stands in for yt-dlp: knows one video, in two files as yt-dlp leaves them."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def fetch(self, video: HdtfVideo, folder: Path) -> None:
        self.asked.append(video.name)
        if video.name != "JaneDoe0":
            raise VideoUnavailableError("Video unavailable")
        write_movie(folder / "JaneDoe0.136.mp4", [numbered(index) for index in range(100)])
        write_movie(folder / "a.mkv", [gradient()] * 25, noise(15)).rename(folder / "JaneDoe0.140.m4a")


def test_downloads_what_is_missing_and_lists_what_is_gone(tmp_path: Path, metadata: Path) -> None:
    shop = Shop()
    job = Preparation(tmp_path / "videos", tmp_path / "out", downloader=shop)
    wanted = [one for one in select(metadata, "all") if one.id in ("WDA_JaneDoe0_000", "WRA_Gone-Away_000")]
    assert [outcome.status for outcome in plan(wanted, job)] == [IntervalStatus.PLANNED] * 2 and not shop.asked
    outcomes = run(wanted, job)
    assert shop.asked == ["JaneDoe0", "Gone-Away"]
    assert outcomes["WDA_JaneDoe0_000"].status is IntervalStatus.OK
    assert outcomes["WRA_Gone-Away_000"].status is IntervalStatus.DOWNLOAD_FAILED
    assert outcomes["WRA_Gone-Away_000"].reason == "Video unavailable"
    sound = decode_audio(tmp_path / "out" / "WDA_JaneDoe0_000.mp4")
    np.testing.assert_array_equal(sound, noise(15)[16000:48000])


def test_report_has_a_row_for_every_interval(tmp_path: Path, metadata: Path, videos: Path) -> None:
    outcomes = plan(select(metadata, "all"), Preparation(videos, tmp_path))
    rows = list(csv.DictReader(write_report(outcomes, report_of("hdtf", tmp_path)).open(encoding="utf-8", newline="")))
    assert [row["id"] for row in rows] == [interval.id for interval in select(metadata, "all")]
    assert rows[0]["status"] == "planned" and rows[3]["reason"].startswith("no Gone-Away.mp4")


def test_select_by_split(metadata: Path) -> None:
    assert select(metadata, "test") == []
    assert len(select(metadata, "train")) == len(select(metadata, "all")) == 6


def test_without_yt_dlp_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yt_dlp", None)
    with pytest.raises(BenchError, match=r'pip install "bench-lipsync\[download\]"'):
        YtDlp()


def test_yt_dlp_is_asked_for_one_video_at_the_listed_resolution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, object] = {}

    class YoutubeDLError(Exception):
        pass

    class YoutubeDL:
        def __init__(self, options: dict[str, object]) -> None:
            seen.update(options)

        def __enter__(self) -> YoutubeDL:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def download(self, urls: list[str]) -> None:
            seen["urls"] = urls
            if "gone" in urls[0]:
                raise YoutubeDLError("ERROR: [youtube] gone: Video unavailable\nmore\x1b[0m")

    utils = types.SimpleNamespace(YoutubeDLError=YoutubeDLError)
    monkeypatch.setitem(sys.modules, "yt_dlp", types.SimpleNamespace(YoutubeDL=YoutubeDL, utils=utils))
    YtDlp().fetch(HdtfVideo("WDA", "JaneDoe0", "https://www.youtube.com/watch?v=x", 720), tmp_path)
    assert seen["urls"] == ["https://www.youtube.com/watch?v=x"]
    assert seen["format_sort"] == ["res:720", "vcodec:h264"] and seen["paths"] == {"home": str(tmp_path)}
    with pytest.raises(VideoUnavailableError, match=r"^\[youtube\] gone: Video unavailable$"):
        YtDlp().fetch(HdtfVideo("WDA", "JaneDoe0", "https://www.youtube.com/watch?v=gone", 0), tmp_path)
