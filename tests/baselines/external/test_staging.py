"""What programs are given: exact pictures and sound, safe places, nothing old."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from made_clips import FRAMES, describe, make_clip, waves

from bench_lipsync.baselines.external.exchange.face_regions import IBUG68, OUTLINE
from bench_lipsync.baselines.external.exchange.staging import stage
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.media import decode_audio, decode_video, probe, read_wav


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> PreparedClip:
    return make_clip(tmp_path_factory.mktemp("clip"))


def given(clip: PreparedClip, folder: Path, **item: object) -> Path:
    description = describe(inputs=[{"name": "x", **item}], steps=[{"argv": ["{x}"]}])
    staged = stage(description, clip, clip.audio(), folder)
    return folder / staged.values["x"]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
@pytest.mark.parametrize("with_audio", [False, True])
def test_a_video_without_crf_is_the_crop_bit_for_bit(
    clip: PreparedClip, tmp_path: Path, name: str, with_audio: bool
) -> None:
    path = given(clip, tmp_path, kind="video", path=name, with_audio=with_audio)
    assert np.array_equal(np.concatenate(list(decode_video(path))), waves())
    info = probe(path)
    assert info.video is not None and info.video.rate == 25 and (info.audio is not None) == with_audio
    if with_audio and name != "a.mp4":
        assert np.array_equal(decode_audio(path)[: len(clip.audio())], clip.audio())


def test_a_video_with_crf_is_near_and_of_the_common_kind(clip: PreparedClip, tmp_path: Path) -> None:
    path = given(clip, tmp_path, kind="video", path="a.mp4", crf=5)
    info = probe(path).video
    assert info is not None and (info.codec, info.pixel_format) == ("h264", "yuv420p")
    error = np.concatenate(list(decode_video(path))).astype(int) - waves()
    assert np.abs(error).mean() < 5 and np.abs(error.mean(axis=(0, 1, 2))).max() < 0.7, "same colours, coarser edges"
    seen = cv2.VideoCapture(str(path)).read()[1][..., ::-1]
    assert np.abs((seen.astype(int) - waves()[0]).mean(axis=(0, 1))).max() < 2, "to OpenCV as well"


def test_sound_picture_pictures_and_text(clip: PreparedClip, tmp_path: Path) -> None:
    assert np.array_equal(read_wav(given(clip, tmp_path, kind="audio", path="in/a.wav")), clip.audio())
    image = cv2.imread(str(given(clip, tmp_path, kind="image", path="a.png")))
    assert np.array_equal(image[..., ::-1], waves()[0])
    folder = given(clip, tmp_path, kind="frames", path="deep/er", digits=4, first=1, pictures="jpg")
    names = sorted(path.name for path in folder.iterdir())
    assert names[0] == "0001.jpg" and names[-1] == f"{FRAMES:04d}.jpg" and len(names) == FRAMES
    assert np.abs(cv2.imread(str(folder / "0003.jpg"))[..., ::-1].astype(int) - waves()[2]).mean() < 1
    text = given(clip, tmp_path, kind="text", path="t.yaml", content='a: {x}\nn: {frames}\nb: {"j": 1}\n')
    assert text.read_text() == f'a: t.yaml\nn: {FRAMES}\nb: {{"j": 1}}\n'


def test_openface_columns_hold_the_landmarks(clip: PreparedClip, tmp_path: Path) -> None:
    header, *lines = given(clip, tmp_path, kind="openface-csv", path="l.csv").read_text().splitlines()
    columns = header.split(",")
    assert columns[:5] == ["frame", "face_id", "timestamp", "confidence", "success"]
    assert columns[5] == "x_0" and columns[5 + 68] == "y_0" and len(columns) == 5 + 2 * 68
    table = np.array([[float(cell) for cell in line.split(",")] for line in lines])
    assert np.array_equal(table[:, 0], np.arange(1, FRAMES + 1)), "DINet stops at any other number"
    points = clip.faces.landmarks[:, list(IBUG68), :2]
    assert np.allclose(table[:, 5:73], points[..., 0], atol=0.006)
    assert np.allclose(table[:, 73:], points[..., 1], atol=0.006)


def test_values_are_relative_and_name_the_run(clip: PreparedClip, tmp_path: Path) -> None:
    staged = stage(describe(folders=["temp", "a/b"]), clip, clip.audio(), tmp_path, seed=7)
    assert staged.values == {
        "video": "benchin/clip.mp4",
        "audio": "benchin/clip.wav",
        "frames": str(FRAMES),
        "seed": "7",
        "out": "benchout",
    }
    assert (tmp_path / "temp").is_dir() and (tmp_path / "a/b").is_dir() and (tmp_path / "benchout").is_dir()


def test_old_results_are_taken_away_before_the_program_starts(clip: PreparedClip, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    work = tmp_path / "work"
    outside.mkdir()
    (outside / "kept.mp4").write_text("x")
    (work / "results").mkdir(parents=True)
    (work / "results/old.mp4").write_text("x")
    (work / "results/link.mp4").symlink_to(outside / "kept.mp4")
    (work / "other").symlink_to(outside)
    stage(describe(output={"files": "*/*.mp4"}), clip, clip.audio(), work)
    assert not (work / "results/old.mp4").exists() and not (work / "results/link.mp4").is_symlink()
    assert (outside / "kept.mp4").read_text() == "x"


def test_nothing_is_written_through_a_link(clip: PreparedClip, tmp_path: Path) -> None:
    outside, work = tmp_path / "outside", tmp_path / "work"
    outside.mkdir()
    work.mkdir()
    (work / "benchin").symlink_to(outside)
    with pytest.raises(ValueError, match="benchin in the working directory is a link"):
        stage(describe(), clip, clip.audio(), work)
    (work / "benchin").unlink()
    (work / "benchin").mkdir()
    (outside / "theirs").write_text("x")
    (work / "benchin/clip.wav").symlink_to(outside / "theirs")
    stage(describe(), clip, clip.audio(), work)
    assert (outside / "theirs").read_text() == "x" and not (work / "benchin/clip.wav").is_symlink()


def test_the_68_points_are_those_of_a_symmetric_face() -> None:
    from bench_lipsync.harness.assets.lookup import AssetMissing
    from bench_lipsync.harness.faces.head_pose import canonical_face

    try:
        points = canonical_face().vertices[list(IBUG68)]
    except AssetMissing:
        pytest.skip("NOT CHECKED: needs the face landmarker's canonical face")
    mirrored = [
        *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31,
        45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
        54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
    ]  # fmt: skip
    assert np.allclose(points[mirrored] * [-1, 1, 1], points, atol=0.05)
    assert points[8][1] == points[:, 1].min(), "the chin is the lowest"
    assert points[36][0] < points[39][0] < points[42][0] < points[45][0]


def test_opencv_reads_the_lossless_video_exactly(clip: PreparedClip, tmp_path: Path) -> None:
    reader = cv2.VideoCapture(str(given(clip, tmp_path, kind="video", path="a.mp4")))
    for picture in waves()[:5]:
        assert np.array_equal(reader.read()[1][..., ::-1], picture)
    assert reader.get(cv2.CAP_PROP_FPS) == 25


def test_masks_are_white_lower_faces_on_black(clip: PreparedClip, tmp_path: Path) -> None:
    folder = given(clip, tmp_path, kind="masks", path="masks", pictures="png")
    assert len(list(folder.iterdir())) == FRAMES
    mask = cv2.imread(str(folder / "000005.png"))
    assert set(np.unique(mask)) == {0, 255} and 0.01 < (mask == 255).mean() < 0.6
    corners = clip.faces.landmarks[5, list(OUTLINE), :2]
    for x, y in corners:
        assert mask[round(y - 0.5), round(x - 0.5)].all()


def test_files_of_the_clone_that_a_program_would_process_are_taken_away(clip: PreparedClip, tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    for name in ("theirs.wav", "kept.jpg"):
        (tmp_path / "examples" / name).write_text("x")
    stage(describe(clear=["examples/*.wav"]), clip, clip.audio(), tmp_path)
    assert [path.name for path in (tmp_path / "examples").iterdir()] == ["kept.jpg"]
