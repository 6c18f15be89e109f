"""What `bench data verify` and a run say about the same footage, and whether the advice in messages leads anywhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from test_prepare_clip import head, noise, video

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.api.dataset import ClipRequest
from bench_lipsync.harness.datasets import FolderDataset
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.media import probe
from bench_lipsync.harness.stages import verify_clip
from bench_lipsync.harness.stages.prepare_clip import prepare_clip
from bench_lipsync.harness.stages.stages import prepare_all
from bench_lipsync.harness.store.store import Store

FACES = {Status.NO_FACE, Status.SEVERAL_FACES}


def prepared_status(clip: Clip, folder: Path) -> tuple[Status, str]:
    folder.mkdir()
    try:
        return Status.OK, "; ".join(prepare_clip(clip, folder, 64).notes)
    except ClipError as error:
        return error.status, error.reason


def assert_alike(clip: Clip, folder: Path) -> tuple[Status, str]:
    """Both ends; verification does not look for faces, everything else is the same."""
    verified = verify_clip(clip)
    status, reason = prepared_status(clip, folder)
    if status not in FACES:
        assert (verified.status, verified.reason) == (status, reason)
    else:
        assert verified.status == Status.OK
    return status, reason


def folder_clip(root: Path) -> Clip:
    (clip,) = FolderDataset().clips(ClipRequest(data_root=root)).clips
    return clip


@pytest.mark.parametrize(
    ("frames", "sound", "ends"),
    [
        (45, noise(45), Status.OK),
        (45, noise(10), Status.OK),
        (45, noise(45, peak=20), Status.NO_AUDIO),
        (45, None, Status.NO_AUDIO),
        (30, noise(30), Status.TOO_SHORT),
    ],
)
def test_verify_and_prepare_say_the_same(tmp_path: Path, frames: int, sound: object, ends: Status) -> None:
    clip = video(tmp_path / "a.mp4", head(frames), sound)  # type: ignore[arg-type]
    assert assert_alike(clip, tmp_path / "out")[0] == ends


def test_short_audio_is_noted(tmp_path: Path) -> None:
    clip = video(tmp_path / "a.mp4", head(50), noise(20))
    assert assert_alike(clip, tmp_path / "out")[1].startswith("the audio has 0.8")


def test_the_advice_for_two_faces_is_followed(tmp_path: Path) -> None:
    import numpy as np

    root = tmp_path / "data"
    root.mkdir()
    video(root / "two.mp4", np.concatenate([head(45), head(45)[:, :, ::-1]], axis=2), noise(45))
    status, reason = assert_alike(folder_clip(root), tmp_path / "both")
    assert status == Status.SEVERAL_FACES
    assert "put a box around the one that is meant: column box of identities.csv (dataset folder)" in reason
    table = root / "identities.csv"
    table.write_text('file,identity,box\ntwo.mp4,Eileen,"360,0,360,300"\n')
    assert prepared_status(folder_clip(root), tmp_path / "right")[0] == Status.OK
    table.write_text('file,identity,box\ntwo.mp4,Eileen,"900,0,360,300"\n')
    expected = (Status.NO_FACE, "the box 900,0,360,300 lies outside of the picture of 720x300 pixels")
    assert prepared_status(folder_clip(root), tmp_path / "outside") == expected
    assert verify_clip(folder_clip(root)).status == Status.NO_FACE


def test_a_part_without_the_gap_is_taken_by_start_and_end(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    frames = head(100)
    frames[:25] = 0
    video(root / "a.mp4", frames, noise(100))
    assert (
        "in 25 frames in a row, from frame 0 (0.00 to 1.00 s)" in assert_alike(folder_clip(root), tmp_path / "gap")[1]
    )
    (root / "identities.csv").write_text("file,identity,start,end\na.mp4,Eileen,1,3.5\n")
    assert assert_alike(folder_clip(root), tmp_path / "part") == (Status.OK, "")


def test_a_cut_is_noted(tmp_path: Path) -> None:
    frames = head(90)
    frames[45:] = 255 - frames[45:, ::-1]
    clip = video(tmp_path / "a.mp4", frames, noise(90))
    assert verify_clip(clip).reason == "the picture cuts to another shot at 1.80 s: it may show several people"


def test_what_is_noted_is_logged_where_no_table_says_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip = video(tmp_path / "a.mp4", head(50), noise(20))
    assert prepare_all([clip], 64, Store(tmp_path / "store"), quiet=True).clips
    assert "a: the audio has 0.8" in caplog.text


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "ends", "says"),
    [
        ("damaged_middle_demo", Status.DECODE_ERROR, "54 of 80 frames are damaged"),
        ("scene_cut_demo", Status.OK, "the picture cuts to another shot at 1.20 s"),
        ("two_faces_demo", Status.SEVERAL_FACES, "a second face as large in 50 of 50 frames"),
        ("face_clip_demo", Status.OK, ""),
    ],
)
def test_clips_of_reports(shared: Path, tmp_path: Path, name: str, ends: Status, says: str) -> None:
    root = tmp_path / "data"
    root.mkdir()
    shutil.copy(shared / "bugs" / f"{name}.mp4", root)
    status, reason = assert_alike(folder_clip(root), tmp_path / "out")
    assert status == ends and reason.startswith((says, f"{name}.mp4: {says}"))
    if name == "two_faces_demo":
        (root / "identities.csv").write_text(f'file,identity,box\n{name}.mp4,Ann,"0,0,240,240"\n')
        assert prepared_status(folder_clip(root), tmp_path / "one") == (Status.OK, "")


@pytest.mark.shared
def test_real_clips_have_no_cut_and_no_damage(shared: Path) -> None:
    for path in sorted((shared / "media").rglob("*.*")):
        if path.suffix in {".mp4", ".mpg", ".avi"} and path.parent.name not in {"lrc_ar", "edge"}:
            seen = verify_clip(Clip("a", "a", path))
            assert seen.reason == "" or seen.status in (Status.TOO_SHORT, Status.NO_AUDIO), (path.name, seen.reason)


@pytest.mark.shared
def test_edge_clips_are_judged_alike(shared: Path, tmp_path: Path) -> None:
    for path in sorted((shared / "media" / "edge").glob("*.mp4")):
        if probe(path).video is not None:
            assert_alike(Clip("a", "a", path), tmp_path / path.stem)
