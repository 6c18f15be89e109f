from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from data_command import bench
from dataset_footage import gradient, noise, numbered, read_number, touch, write_annotation, write_movie

from bench_lipsync.harness.api.dataset import ClipRequest
from bench_lipsync.harness.datasets.cutting import CropBox, FullVideo, IntervalStatus, Preparation, plan, prepare
from bench_lipsync.harness.datasets.cutting.download import VideoUnavailableError
from bench_lipsync.harness.datasets.voxceleb2 import CropRule, VoxCeleb2Dataset, find_annotations, read_tracks
from bench_lipsync.harness.datasets.voxceleb2.track import MAX_FRAMES, Track, VoxCelebVideo, track_spans
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.media import decode_audio, decode_video, probe

VIDEO = "_raOc3-IRsw"
CLIP = f"id00012/{VIDEO}/00001"
BOX = (0.300, 0.250, 0.400, 0.550)
"""Left, top, width, height: 96, 45, 128 and 99 px of 320x180."""
SMALL = CropRule(min_face=90)
TRACK = Track(
    *("id00012", VoxCelebVideo(VIDEO), "00001", 0, 50, 100), union=(0.3, 0.25, 0.7, 0.8), face=(0.4, 0.55), rule=SMALL
)


def tracks(folder: Path, rule: CropRule = SMALL, split: str = "all") -> list[Track]:
    return list(read_tracks(find_annotations(folder, split), rule))


def statuses(wanted: Sequence[Track], job: Preparation) -> dict[str, tuple[str, str]]:
    return {outcome.interval.id: (str(outcome.status), outcome.reason) for outcome in prepare(plan(wanted, job), job)}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    write_movie(folder / f"{VIDEO}.mkv", [numbered(index) for index in range(200)], noise(8))
    return folder


def test_an_annotation_is_read(tmp_path: Path) -> None:
    write_annotation(tmp_path / "txt", CLIP, 50, [BOX] * 60 + [(0.28, 0.25, 0.39, 0.56)] * 40)
    (track,) = tracks(tmp_path)
    assert (track.id, track.identity, track.path.as_posix()) == (
        *(f"id00012_{VIDEO}_00001", "id00012"),
        f"{CLIP}.mp4",
    )
    assert (track.start, track.end, track.offset, track.problem) == (2.0, 6.0, "2", None)
    assert track.union == pytest.approx((0.28, 0.25, 0.7, 0.81)) and track.face == pytest.approx((0.39, 0.55))
    assert track.video.url == f"https://www.youtube.com/watch?v={VIDEO}"


def test_a_track_ends_where_the_face_has_left_its_place() -> None:
    boxes = np.array([[0.1, 0.1, 0.5, 0.5]] * 80 + [[0.5, 0.5, 0.9, 0.9]] * 70 + [[0.1, 0.1, 0.5, 0.5]] * 10)
    frames = np.arange(160)
    assert [(span.start, span.stop) for span in track_spans(frames, boxes)] == [(0, 80), (80, 150), (150, 160)]
    frames[40:] += 1
    assert next(track_spans(frames, boxes)) == slice(0, 40), "a frame without a box"
    same = np.tile(boxes[:1], (MAX_FRAMES + 5, 1))
    assert [span.stop for span in track_spans(np.arange(len(same)), same)] == [MAX_FRAMES, MAX_FRAMES + 5]
    half = np.array([[0, 0, 0.4, 0.4], [0.2, 0, 0.6, 0.4], [0.25, 0, 0.65, 0.4]])  # intersection/union: 1, 1/3, 3/13
    assert [span.stop for span in track_spans(np.arange(3), half)] == [2, 3]


def test_tracks_are_numbered_and_short_ones_said(tmp_path: Path) -> None:
    away = (0.7, 0.25, 0.3, 0.55)
    write_annotation(tmp_path, CLIP, 0, [BOX] * 70 + [away] * 63 + [BOX] * 64)
    found = tracks(tmp_path)
    assert [track.path.name for track in found] == ["00001.mp4", "00001-1.mp4", "00001-2.mp4"]
    assert [track.problem and track.problem.status for track in found] == [None, IntervalStatus.TOO_SHORT, None]
    assert [(track.first, track.frames) for track in found] == [(0, 70), (70, 63), (133, 64)]


def test_the_crop_is_a_square_around_the_union() -> None:
    # The union has 128x99 px; 128 * 1.2 = 153.6 around its middle (160, 94.5).
    assert TRACK.crop_in(320, 180) == CropBox(83, 18, 154)
    assert replace(TRACK, rule=CropRule(90, 0.0)).crop_in(640, 360) == CropBox(192, 61, 256)
    small = replace(TRACK, rule=CropRule(100)).crop_in(320, 180)
    assert small.status is IntervalStatus.FACE_TOO_SMALL and "128x99 px in a frame of 320x180" in small.reason
    assert isinstance(replace(TRACK, rule=CropRule(99)).crop_in(320, 180), CropBox), "at least, not more than"
    near = replace(TRACK, union=(0.3, 0.0, 0.7, 0.55)).crop_in(320, 180)
    assert near.status is IntervalStatus.NEAR_BORDER and near.reason.endswith("by 27 px")


def test_frames_sound_and_layout(tmp_path: Path, videos: Path) -> None:
    write_annotation(tmp_path / "txt", CLIP, 50, [BOX] * 100)
    out = tmp_path / "out"
    assert statuses(tracks(tmp_path / "txt"), Preparation(videos, out)) == {TRACK.id: ("ok", "")}
    path = out / f"{CLIP}.mp4"
    frames = np.concatenate(list(decode_video(path)))
    assert frames.shape == (100, 256, 256, 3)
    assert [read_number(frame, 83, 18, 256 / 154) for frame in frames] == list(range(50, 150))
    np.testing.assert_array_equal(decode_audio(path), noise(8)[50 * 640 : 150 * 640])
    info = probe(path)
    assert info.video is not None and info.audio is not None
    assert (info.video.codec, info.video.rate, info.audio.codec, info.audio.rate) == ("h264", 25, "flac", 16000)
    (clip,) = VoxCeleb2Dataset().clips(ClipRequest(out, "all")).clips
    assert (clip.id, clip.identity, clip.video) == (TRACK.id, "id00012", path)
    assert statuses(tracks(tmp_path / "txt"), Preparation(videos, out)) == {TRACK.id: ("ok", "was there already")}


def test_a_video_of_another_size_and_rate(tmp_path: Path) -> None:
    frames = [np.kron(gradient(160, 90), np.ones((4, 4, 1), np.uint8))] * 150  # 640x360
    write_movie(tmp_path / f"{VIDEO}.137.mp4", frames, fps=30)
    write_movie(tmp_path / "a.mkv", [gradient()] * 5, noise(5)).rename(tmp_path / f"{VIDEO}.140.m4a")
    write_annotation(tmp_path / "txt", CLIP, 10, [BOX] * 70)
    assert statuses(tracks(tmp_path / "txt"), Preparation(tmp_path, tmp_path / "out")) == {TRACK.id: ("ok", "")}
    assert len(np.concatenate(list(decode_video(tmp_path / "out" / f"{CLIP}.mp4")))) == 70


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no table FRAME X Y W H"),
        ("FRAME X Y W H\n", "five numbers in each row"),
        ("FRAME X Y W H\n000001 0.1 0.1 0.4\n", "five numbers in each row"),
        ("FRAME X Y W H\n000001 0.1 0.1 0.4 wide\n", "could not convert string to float: 'wide'"),
        ("FRAME X Y W H\n000001 0.1 0.1 0.4 nan\n", "whole numbers in ascending order"),
        ("FRAME X Y W H\n000002 0.1 0.1 0.4 0.4\n000001 0.1 0.1 0.4 0.4\n", "whole numbers in ascending order"),
        ("FRAME X Y W H\n-00002 0.1 0.1 0.4 0.4\n", "are in no video"),
        ("FRAME X Y W H\n002316 223 80 130 130\n", "those of VoxCeleb1 are in pixels"),
        ("FRAME X Y W H\n002316 0.1 0.1 0 0.2\n", "not fractions of a frame"),
        ("Identity  : \tid00013\nFRAME X Y W H\n000001 0.1 0.1 0.4 0.4\n", "says Identity id00013, not id00012"),
        ("Reference : \tAAAAAAAAAAA\nFRAME X Y W H\n000001 0.1 0.1 0.4 0.4\n", "says Reference AAAAAAAAAAA"),
    ],
)
def test_an_annotation_that_cannot_be_used_is_a_row(tmp_path: Path, text: str, fault: str) -> None:
    write_annotation(tmp_path, CLIP, 50, [BOX] * 100).write_text(text)
    (outcome,) = plan(tracks(tmp_path), Preparation(tmp_path, tmp_path / "out"))
    assert outcome.status is IntervalStatus.METADATA_ERROR and fault in outcome.reason
    assert outcome.row()["id"] == TRACK.id and not outcome.failed


def test_which_annotations_are_read(tmp_path: Path) -> None:
    write_annotation(tmp_path / "txt", CLIP, 50, [BOX] * 100)
    write_annotation(tmp_path / "test" / "txt", f"id00017/{VIDEO}/00003", 50, [BOX] * 100)
    write_annotation(tmp_path / "copy", CLIP, 50, [BOX] * 100)
    touch(tmp_path / "id00012" / "short" / "00001.txt")
    touch(tmp_path / "readme.txt")
    found = find_annotations(tmp_path, "all")
    assert [path.parts[-3] for path in found.files] == ["id00012", "id00017"]
    assert any("left out 2" in notice and "not idNNNNN" in notice for notice in found.notices)
    assert any("left out 1" in notice and "twice" in notice for notice in found.notices)
    assert [track.identity for track in tracks(tmp_path, split="test")] == ["id00017"]
    assert [track.identity for track in tracks(tmp_path, split="train")] == ["id00012"]
    assert [track.id for track in tracks(tmp_path / "txt" / "id00012")] == [TRACK.id]
    for folder in (tmp_path / "readme.txt", touch(tmp_path / "empty" / "x.txt").parent):
        with pytest.raises(BenchError, match="vox2_test_txt"):
            find_annotations(folder, "all")


class Shop:
    """Stands in for yt-dlp."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def fetch(self, video: FullVideo, folder: Path) -> None:
        self.asked.append((video.name, video.resolution))
        if video.name != VIDEO:
            raise VideoUnavailableError("Private video")
        write_movie(folder / f"{VIDEO}.mp4", [numbered(index) for index in range(160)], noise(6.4))


def test_a_video_is_downloaded_once_and_only_where_the_face_can_be_large_enough(tmp_path: Path) -> None:
    write_annotation(tmp_path / "txt", CLIP, 50, [BOX] * 100)
    write_annotation(tmp_path / "txt", f"id00012/{VIDEO}/00002", 0, [BOX] * 64)
    write_annotation(tmp_path / "txt", "id00012/AAAAAAAAAAA/00001", 0, [BOX] * 64)
    write_annotation(tmp_path / "txt", "id00012/AAAAAAAAAAA/00002", 0, [BOX] * 64)
    write_annotation(tmp_path / "txt", "id00012/BBBBBBBBBBB/00001", 0, [(0.3, 0.3, 0.05, 0.08)] * 64)
    shop = Shop()
    job = Preparation(tmp_path / "videos", tmp_path / "out", downloader=shop)
    ends = statuses(tracks(tmp_path / "txt"), job)
    assert shop.asked == [("AAAAAAAAAAA", 1080), (VIDEO, 1080)]
    assert ends == {
        "id00012_AAAAAAAAAAA_00001": ("download_failed", "Private video"),
        "id00012_AAAAAAAAAAA_00002": ("download_failed", "Private video"),
        "id00012_BBBBBBBBBBB_00001": (
            "face_too_small",
            "not downloaded: its face is 86 px high at 1080 lines, not 90",
        ),
        TRACK.id: ("ok", ""),
        f"id00012_{VIDEO}_00002": ("ok", ""),
    }


def test_the_command(tmp_path: Path, videos: Path) -> None:
    write_annotation(tmp_path / "txt", CLIP, 50, [BOX] * 100)
    write_annotation(tmp_path / "txt", f"id00012/{VIDEO}/00002", 0, [(0.3, 0.3, 0.2, 0.3)] * 64)
    write_annotation(tmp_path / "txt", f"id00012/{VIDEO}/00003", 0, [(0.0, 0.2, 0.4, 0.6)] * 64)
    write_annotation(tmp_path / "txt", f"id00012/{VIDEO}/00004", 0, [BOX] * 20)
    out = tmp_path / "out"
    command = ("prepare", "voxceleb2", "--data-root", videos, "--metadata", tmp_path / "txt", "--out", out)
    dry = bench(*command, "--dry-run", "--limit", "2")
    assert dry.exit_code == 0 and not out.exists() and "2 planned" in dry.stderr
    done = bench(*command, "--min-face", "90")
    assert done.exit_code == 0, "what the rule leaves out is no failure"
    with (out / "voxceleb2_report.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["status"] for row in rows] == ["ok", "face_too_small", "near_border", "too_short"]
    assert list(rows[0]) == [
        *("id", "identity", "status", "reason", "start", "end", "face_width", "face_height", "offset"),
        *("min_face", "margin", "url"),
    ]
    assert (rows[0]["start"], rows[0]["end"], rows[0]["offset"]) == ("2", "6", "2")
    assert (rows[0]["min_face"], rows[0]["margin"]) == ("90", "0.1")
    with pytest.raises(BenchError, match=r"was cut with min_face 90, margin 0.1; name a new folder"):
        bench(*command)
    again = bench(*command, "--min-face", "90")
    assert again.exit_code == 0 and "ok\twas there already" in again.stdout
    gone = bench("prepare", "voxceleb2", "--data-root", out, "--metadata", tmp_path / "txt", "--out", tmp_path / "o2")
    assert gone.exit_code == 1 and "video_missing" in gone.stdout


def test_utterances_as_distributed_are_not_touched(tmp_path: Path, videos: Path) -> None:
    write_annotation(tmp_path / "txt", CLIP, 50, [BOX] * 100)
    official = touch(tmp_path / "mp4" / f"{CLIP}.mp4")
    command = ("prepare", "voxceleb2", "--data-root", videos, "--metadata", tmp_path / "txt", "--out")
    with pytest.raises(BenchError, match="holds other utterances of VoxCeleb2; name a new folder"):
        bench(*command, tmp_path / "mp4", "--force")
    assert official.stat().st_size == 0
