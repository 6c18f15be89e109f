"""Preparing clips, with a face in the public domain (NASA's portrait of Eileen Collins, part of scikit-image)."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest

from bench_lipsync.harness.api.clip import Clip, PreparedClip
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.crop import CROP_RULE
from bench_lipsync.harness.media import decode_video, read_lossless, write_preview, write_wav
from bench_lipsync.harness.stages.prepare_clip import PREPARE_VERSION, prepare_clip
from bench_lipsync.harness.stages.source import MIN_FRAMES


def head(frames: int = 60, sway: int = 10) -> np.ndarray:
    """The portrait (360 x 300 pixels), moving a little to and fro."""
    from skimage.data import astronaut

    shifts = np.rint(sway * np.sin(np.arange(frames) / 9)).astype(int) + sway
    return np.stack([astronaut()[:300, 80 + shift : 440 + shift] for shift in shifts])


def noise(frames: int, peak: int = 9000) -> np.ndarray:
    return np.random.default_rng(frames).integers(-peak, peak + 1, frames * 640).astype(np.int16)


def video(path: Path, frames: np.ndarray, sound: np.ndarray | None) -> Clip:
    write_preview(path, [frames], sound)
    return Clip(id=path.stem, identity="collins", video=path)


def prepare(clip: Clip, folder: Path, size: int = 128) -> PreparedClip:
    folder.mkdir()
    return prepare_clip(clip, folder, size)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedClip:
    folder = tmp_path_factory.mktemp("prepared")
    return prepare(video(folder / "a.mp4", head(), noise(60)), folder / "out")


def test_the_canonical_form(prepared: PreparedClip):
    frames = np.concatenate(list(prepared.read_frames()))
    assert frames.shape == (60, 128, 128, 3)
    assert prepared.audio().shape == (60 * 640,)
    assert len(prepared.faces) == prepared.frames == 60
    assert prepared.size == 128
    assert (prepared.id, prepared.identity) == ("a", "collins")
    assert sorted(path.name for path in prepared.directory.iterdir()) == [
        "audio.wav",
        "faces.npz",
        "meta.json",
        "video.mkv",
    ]


def test_the_face_lies_in_the_crop_with_its_chin(prepared: PreparedClip):
    points = prepared.faces.landmarks[..., :2]
    assert points.min() > 0
    assert points.max() < 128
    assert points[:, 152, 1].max() < 122
    assert 0.4 < prepared.meta["crop"]["face_height"] < 0.7
    assert np.abs(prepared.faces.yaw_degrees()).max() < 15


def test_landmarks_crop_and_affine_agree(prepared: PreparedClip):
    """The pupils are the darkest of their surroundings, in the crop as in the full frame."""
    (crop,) = prepared.read_frames(30, 31)
    (full,) = decode_video(prepared.directory.parent / "a.mp4", start=30 / 25, end=31 / 25)
    affine = prepared.faces.affine[30]
    for iris in (468, 473):
        x, y = prepared.faces.landmarks[30, iris, :2]
        back = np.linalg.solve(affine[:, :2], np.array([x, y]) - affine[:, 2])
        near = crop[0, int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2]
        there = full[0, int(back[1]) - 2 : int(back[1]) + 3, int(back[0]) - 2 : int(back[0]) + 3]
        assert abs(near.mean() - there.mean()) < 12
        assert near.mean() < 0.75 * crop[0].mean()


def test_the_meta_says_everything(prepared: PreparedClip):
    meta = json.loads((prepared.directory / "meta.json").read_text())
    assert meta["prepare_version"] == PREPARE_VERSION
    assert meta["fps"] == 25
    assert meta["crop"]["rule"] == CROP_RULE
    assert CROP_RULE in PREPARE_VERSION
    assert set(meta["crop"]) == {"rule", "x", "y", "side", "face_height"}
    assert meta["interpolated"] == []
    assert meta["audio"]["padded_samples"] == 0
    assert 8000 < meta["audio"]["peak"] <= 32768
    source = meta["source"]["video"]
    assert (source["width"], source["height"], source["rate"], source["codec"]) == (360, 300, 25, "h264")
    assert str(prepared.directory.parent) not in json.dumps(meta)


def test_the_same_clip_gives_the_same_bytes(prepared: PreparedClip, tmp_path: Path):
    again = prepare(Clip("a", "collins", prepared.directory.parent / "a.mp4"), tmp_path / "again")
    for path in prepared.directory.iterdir():
        assert path.read_bytes() == (again.directory / path.name).read_bytes(), path.name


def test_the_hash_covers_picture_and_sound(prepared: PreparedClip, tmp_path: Path):
    other = video(tmp_path / "a.mp4", head(), noise(60) // 2)
    assert prepare(other, tmp_path / "out").content_hash != prepared.content_hash
    larger = Clip("a", "collins", prepared.directory.parent / "a.mp4")
    assert prepare(larger, tmp_path / "larger", 130).content_hash != prepared.content_hash


def test_start_and_end_cut_picture_and_sound(prepared: PreparedClip, tmp_path: Path):
    clip = Clip("a", "collins", prepared.directory.parent / "a.mp4", start=0.4, end=2.0)
    part = prepare(clip, tmp_path / "out")
    assert part.frames == 40
    assert np.abs(part.audio().astype(int) - prepared.audio()[6400 : 6400 + 25600]).max() <= 2
    (first,) = part.read_frames(0, 1)
    assert first.shape == (1, 128, 128, 3)


def test_separate_audio_and_its_length(prepared: PreparedClip, tmp_path: Path):
    write_wav(tmp_path / "a.wav", noise(40))
    clip = dataclasses.replace(Clip("a", "collins", prepared.directory.parent / "a.mp4"), audio=tmp_path / "a.wav")
    other = prepare(clip, tmp_path / "out")
    assert np.array_equal(other.audio()[: 40 * 640], noise(40))
    assert not other.audio()[40 * 640 :].any()
    assert other.meta["audio"]["padded_samples"] == 20 * 640
    assert other.meta["source"]["separate_audio"] is True


def test_a_short_gap_is_interpolated_and_counted(tmp_path: Path):
    frames = head()
    frames[30:33] = 0
    clip = prepare(video(tmp_path / "a.mp4", frames, noise(60)), tmp_path / "out")
    assert clip.meta["interpolated"] == [30, 31, 32]
    assert np.flatnonzero(~clip.faces.detected).tolist() == [30, 31, 32]
    steps = np.abs(np.diff(clip.faces.landmarks[28:36, 1, 0]))
    assert steps.max() < 3


def test_a_box_chooses_between_two(tmp_path: Path):
    pair = np.concatenate([head(45), head(45)[:, :, ::-1]], axis=2)
    clip = video(tmp_path / "a.mp4", pair, noise(45))
    with pytest.raises(ClipError) as caught:
        prepare(clip, tmp_path / "both")
    assert caught.value.status == Status.SEVERAL_FACES
    right = prepare(dataclasses.replace(clip, box=(360, 0, 360, 300)), tmp_path / "right")
    assert right.meta["crop"]["x"] > 360


def failure(clip: Clip, tmp_path: Path) -> tuple[Status, str]:
    with pytest.raises(ClipError) as caught:
        prepare(clip, tmp_path / "out")
    return caught.value.status, caught.value.reason


def test_no_sound(tmp_path: Path):
    assert failure(video(tmp_path / "a.mp4", head(45), None), tmp_path)[0] == Status.NO_AUDIO


def test_digital_silence(tmp_path: Path):
    status, reason = failure(video(tmp_path / "a.mp4", head(45), noise(45, 2)), tmp_path)
    assert status == Status.NO_AUDIO
    assert "digital silence" in reason


def test_too_short(tmp_path: Path):
    clip = video(tmp_path / "a.mp4", head(MIN_FRAMES - 1), noise(MIN_FRAMES))
    status, reason = failure(clip, tmp_path)
    assert status == Status.TOO_SHORT
    assert "39 frames" in reason
    beyond = dataclasses.replace(clip, start=100.0)
    with pytest.raises(ClipError) as caught:
        prepare_clip(beyond, tmp_path / "out")
    assert caught.value.status == Status.TOO_SHORT


def test_no_face(tmp_path: Path):
    blank = np.full((60, 64, 64, 3), 90, np.uint8)
    assert failure(video(tmp_path / "a.mp4", blank, noise(60)), tmp_path)[0] == Status.NO_FACE


def test_not_a_video(tmp_path: Path):
    (tmp_path / "a.mp4").write_text("not a film")
    status, reason = failure(Clip("a", "b", tmp_path / "a.mp4"), tmp_path)
    assert status == Status.DECODE_ERROR
    assert "a.mp4" in reason


def test_a_truncated_video(tmp_path: Path):
    clip = video(tmp_path / "a.mp4", head(120), noise(120))
    os.truncate(clip.video, clip.video.stat().st_size // 2)
    assert failure(clip, tmp_path)[0] == Status.DECODE_ERROR


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("no_audio_stream_musetalk_sun", Status.NO_AUDIO),
        ("short_lrs2_demo", Status.TOO_SHORT),
        ("silent_audio_liveportrait_d18", Status.NO_AUDIO),
        ("two_faces_interview", Status.SEVERAL_FACES),
    ],
)
def test_the_edge_clips_end_as_they_should(shared: Path, tmp_path: Path, name: str, status: Status):
    clip = Clip(name, name, shared / f"media/edge/{name}.mp4", end=2.0)
    assert failure(clip, tmp_path)[0] == status


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "frames"),
    [("grid/bbaf2n.mpg", 75), ("wild/vretalk_face_1.mp4", 153), ("lrs3/0Fi83BHQsMA_00002.mp4", 41)],
)
def test_real_clips(shared: Path, tmp_path: Path, name: str, frames: int):
    clip = prepare(Clip("a", "a", shared / "media" / name), tmp_path / "out", 256)
    assert clip.frames == frames == sum(len(chunk) for chunk in read_lossless(clip.video_path))
    assert len(clip.meta["interpolated"]) <= 4
    assert clip.faces.landmarks[..., :2].min() > -20
    assert clip.faces.landmarks[:, 152, 1].max() < 256
