"""Somebody else's videos: matching, size, rate, length, geometry, and broken files."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from dataset_footage import touch
from external_clips import FRAMES, SIZE, crop, pictures, prepare, write_video
from media_files import break_packets

from bench_lipsync.harness.api.clip import Clip, PreparedClip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.predictions.files import PredictedFiles
from bench_lipsync.harness.predictions.video import MAX_DRIFT, PredictedVideo
from bench_lipsync.harness.util.sanitize import safe_id


@pytest.fixture
def clip(tmp_path: Path) -> PreparedClip:
    folder = tmp_path / "prepared"
    folder.mkdir()
    return prepare(Clip("anna_1", "anna", Path("anna/1.mp4")), folder)


def read(path: Path, clip: PreparedClip, geometry: str = "") -> tuple[np.ndarray, list[str]]:
    video = PredictedVideo(path, clip, geometry)
    return np.concatenate(list(video.frames(chunk=7))), video.notes


def refused(path: Path, clip: PreparedClip, geometry: str = "") -> ClipError:
    with pytest.raises(ClipError) as caught:
        read(path, clip, geometry)
    return caught.value


def test_a_lossless_crop_comes_back_bit_for_bit(clip: PreparedClip, tmp_path: Path) -> None:
    made = crop(pictures("other"))
    frames, notes = read(write_video(tmp_path / "a.mkv", made, codec="ffv1"), clip)
    assert np.array_equal(frames, made) and notes == []


def test_a_lossy_file_is_scored_and_says_so(clip: PreparedClip, tmp_path: Path) -> None:
    made = crop(pictures("other"))
    frames, notes = read(write_video(tmp_path / "a.mp4", made), clip)
    assert frames.shape == made.shape and notes == ["read from h264 yuv420p: its coding loss is in the numbers"]
    error = np.abs(frames.astype(int) - made)
    assert 0 < error.mean() < 6


def test_whole_frames_get_the_crop_of_the_ground_truth(clip: PreparedClip, tmp_path: Path) -> None:
    whole = pictures("other")
    frames, notes = read(write_video(tmp_path / "a.mkv", whole, codec="ffv1"), clip)
    assert np.array_equal(frames, crop(whole)) and "the clip's own crop" in notes[0]


def test_damaged_frames_are_noted_and_many_are_refused(clip: PreparedClip, tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mkv", crop(pictures("other")), codec="ffv1")
    _, notes = read(break_packets(whole, range(FRAMES - 2, FRAMES)), clip)
    assert notes[0].startswith(f"2 of {FRAMES} frames are damaged")
    error = refused(break_packets(whole, range(FRAMES // 2, FRAMES)), clip)
    assert error.status is Status.DECODE_ERROR and "frames are damaged" in error.reason


@pytest.mark.parametrize("drift", [-MAX_DRIFT, -1, 1, MAX_DRIFT])
def test_a_few_frames_too_few_or_too_many_are_noted(clip: PreparedClip, tmp_path: Path, drift: int) -> None:
    made = crop(pictures("other", FRAMES + drift))
    frames, notes = read(write_video(tmp_path / "a.mkv", made, codec="ffv1"), clip)
    assert len(frames) == FRAMES and len(notes) == 1 and str(abs(drift)) in notes[0]
    kept = min(FRAMES, FRAMES + drift)
    assert np.array_equal(frames[:kept], made[:kept]) and (frames[kept:] == made[-1]).all()


@pytest.mark.parametrize("drift", [-MAX_DRIFT - 1, MAX_DRIFT + 1])
def test_more_drift_is_refused(clip: PreparedClip, tmp_path: Path, drift: int) -> None:
    error = refused(write_video(tmp_path / "a.mkv", crop(pictures("o", FRAMES + drift)), codec="ffv1"), clip)
    assert error.status == Status.BAD_OUTPUT and f"not {FRAMES} frames, give or take {MAX_DRIFT}" in error.reason


def test_another_size_is_refused_and_never_resized(clip: PreparedClip, tmp_path: Path) -> None:
    error = refused(write_video(tmp_path / "a.mp4", pictures("o", width=128, height=128)), clip)
    assert error.status == Status.BAD_OUTPUT
    assert "128x128" in error.reason and "64x64 (the canonical crop) or 96x80" in error.reason
    whole = write_video(tmp_path / "b.mp4", pictures("o"))
    assert "expected 64x64" in refused(whole, clip, "crop").reason


def test_a_size_that_tells_nothing_has_to_be_told(clip: PreparedClip, tmp_path: Path) -> None:
    clip.meta["source"]["video"].update(width=SIZE, height=SIZE)
    path = write_video(tmp_path / "a.mkv", pictures("o", width=SIZE, height=SIZE), codec="ffv1")
    assert "--geometry" in refused(path, clip).reason
    assert len(read(path, clip, "crop")[0]) == len(read(path, clip, "frame")[0]) == FRAMES
    clip.meta["crop"].update(x=0, y=0)
    assert read(path, clip)[1] == [], "the crop is the whole frame: both readings agree"


def test_another_rate_is_refused_but_the_datasets_own_is_resampled(clip: PreparedClip, tmp_path: Path) -> None:
    made = crop(pictures("o", 54))
    error = refused(write_video(tmp_path / "a.mkv", made, rate=62, codec="ffv1"), clip)
    assert error.status == Status.BAD_OUTPUT and "62.000 frames per second, expected 25 or 29.97" in error.reason
    frames, _ = read(write_video(tmp_path / "b.mkv", made, rate=30, codec="ffv1"), clip)
    assert len(frames) == FRAMES and np.array_equal(frames[5], made[6])


def test_what_is_no_video_is_a_decode_error(clip: PreparedClip, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"not a video")
    assert refused(path, clip).status == Status.DECODE_ERROR
    whole = write_video(tmp_path / "b.mp4", crop(pictures("o"))).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert refused(path, clip).status == Status.DECODE_ERROR


def test_files_are_found_by_path_and_by_name(tmp_path: Path) -> None:
    for name in ("anna/1.mp4", "deep/er/bert_1.MKV", "x/twice.mp4", "y/twice.avi", "both.mp4", "z/both.mp4", "a.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    files = PredictedFiles(tmp_path)
    assert files.find(safe_id("anna/1")).name == "1.mp4", "the id that the dataset `folder` gives to anna/1.mp4"
    assert files.find("bert_1").name == "bert_1.MKV"
    assert files.find("both") == tmp_path / "both.mp4"
    with pytest.raises(ClipError, match=r"2 videos are named twice: x/twice.mp4 and y/twice.avi"):
        files.find("twice")
    with pytest.raises(ClipError, match=r"no video is named bert_2 .*did you mean bert_1.MKV"):
        files.find("bert_2")
    matched = files.match(["bert_1", "both", "nobody", "twice"])
    assert set(matched.found) == {"bert_1", "both"} and set(matched.several) == {"twice"}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_two_videos_of_one_clip_are_told_whatever_folder_they_lie_in(form: str, tmp_path: Path) -> None:
    for name in ("bert/two.mp4", "bert/two.avi", "é/one.mkv"):
        touch(tmp_path / unicodedata.normalize(form, name))
    files = PredictedFiles(tmp_path)
    with pytest.raises(ClipError, match=r"2 videos are named bert_two-[0-9a-f]{8}: bert/two.avi and bert/two.mp4"):
        files.find(safe_id("bert/two"))
    assert files.find(safe_id("é/one")).name == "one.mkv"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("anna.gif", r"anna.gif is named anna and no video by its suffix; taken are .mp4"),
        ("sub/anna.mp4v", r"sub/anna.mp4v is named anna and no video by its suffix"),
        ("Anna.mp4", r"no video is named anna \(with .mp4, .mkv, ...\); did you mean Anna.mp4"),
    ],
)
def test_the_reason_why_a_file_is_not_taken(name: str, reason: str, tmp_path: Path) -> None:
    touch(tmp_path / name)
    with pytest.raises(ClipError, match=reason):
        PredictedFiles(tmp_path).find("anna")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.mp4").touch()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "clip.mp4").symlink_to(tmp_path / "secret.mp4")
    files = PredictedFiles(tmp_path / "in")
    assert files.files == () and files.notices
    with pytest.raises(ClipError, match=r"clip.mp4 is a link that leads nowhere or out of the folder"):
        files.find("clip")
