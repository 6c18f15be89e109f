"""The real landmarker on a face in the public domain (NASA's portrait of Eileen Collins, part of scikit-image)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.faces.crop import crop_box, cut
from bench_lipsync.harness.faces.head_pose import project, solve_poses
from bench_lipsync.harness.faces.landmarker import Landmarker
from bench_lipsync.harness.faces.track_builder import canonical_track
from bench_lipsync.harness.faces.tracker import FaceTracker

MOUTH = [61, 291, 13, 14]
"""Corners of the lips, and the middle of either."""


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    from skimage.data import astronaut

    return astronaut()


@pytest.fixture(scope="module")
def landmarker() -> Iterator[Landmarker]:
    with Landmarker() as one:
        yield one


def test_the_face_is_where_it_is(landmarker: Landmarker, astronaut: np.ndarray):
    (face,) = landmarker.faces(astronaut)
    assert face.landmarks.shape == (478, 3)
    assert face.blendshapes.shape == (52,)
    x, y = face.landmarks[MOUTH, :2].mean(axis=0)
    assert (220 < x < 250, 130 < y < 170) == (True, True)
    origin = project(face.pose, np.zeros((1, 3), np.float32), 512, 512)[0]
    assert face.box.x < origin[0] < face.box.x + face.box.width
    assert face.box.y < origin[1] < face.box.y + face.box.height


def test_the_same_picture_gives_the_same_bytes(astronaut: np.ndarray, landmarker: Landmarker):
    other = np.ascontiguousarray(astronaut[:, ::-1])
    with Landmarker() as second:
        second.faces(other)
        (after,) = second.faces(astronaut)
    (before,) = landmarker.faces(astronaut)
    assert np.array_equal(before.landmarks, after.landmarks)
    assert np.array_equal(before.pose, after.pose)
    assert np.array_equal(before.blendshapes, after.blendshapes)


def test_pictures_that_are_not_contiguous_are_read_right(landmarker: Landmarker, astronaut: np.ndarray):
    """Rows with padding behind them, as PyAV's frames of 360 pixels have them."""
    padded = np.zeros((512, 530, 3), np.uint8)
    padded[:, :512] = astronaut
    assert not padded[:, :512].flags.c_contiguous
    (expected,), (found,) = landmarker.faces(astronaut), landmarker.faces(padded[:, :512])
    assert np.array_equal(found.landmarks, expected.landmarks)


@pytest.mark.parametrize("width", [360, 301, 255])
def test_any_width_will_do(landmarker: Landmarker, astronaut: np.ndarray, width: int):
    (whole,), (part,) = landmarker.faces(astronaut), landmarker.faces(astronaut[:, :width])
    assert np.abs(part.landmarks - whole.landmarks)[:, :2].mean() < 2


def test_looking_at_a_region_gives_the_same_face(landmarker: Landmarker, astronaut: np.ndarray):
    (whole,) = landmarker.faces(astronaut)
    (close,) = landmarker.faces(astronaut, whole.box.square(2.5))
    assert np.abs(close.landmarks - whole.landmarks)[:, :2].mean() < 0.02 * whole.box.side
    assert close.pose == pytest.approx(solve_poses(close.landmarks[None], 512, 512)[0])


def test_poses_are_the_ones_that_mediapipe_gives(landmarker: Landmarker, astronaut: np.ndarray):
    for picture in (astronaut, astronaut[:, :360], astronaut[:300, 100:500], cv2.resize(astronaut, (640, 480))):
        height, width, _ = picture.shape
        (face,) = landmarker.faces(picture)
        (solved,) = solve_poses(face.landmarks[None], width, height)
        assert solved[:3, :3] == pytest.approx(face.pose[:3, :3], abs=1e-5)
        assert solved[:3, 3] == pytest.approx(face.pose[:3, 3], rel=1e-4)


def test_a_track_in_the_crop_is_as_if_found_in_the_crop(landmarker: Landmarker, astronaut: np.ndarray):
    (face,) = landmarker.faces(astronaut)
    box = crop_box(face.box, 512, 512)
    (direct,) = landmarker.faces(cut(astronaut[None], box, 256)[0])
    track = canonical_track({0: face, 2: face}, 3, box, 256)
    assert track.detected.tolist() == [True, False, True]
    for index in range(3):
        assert np.abs(track.landmarks[index] - direct.landmarks)[:, :2].mean() < 2
        cosine = (np.trace(track.pose[index, :3, :3].T @ direct.pose[:3, :3]) - 1) / 2
        assert np.degrees(np.arccos(min(cosine, 1.0))) < 3
        points = np.array([[0, 0, 0], [5, 0, 0], [0, 5, 0]], np.float32)
        seen = project(track.pose[index], points, 256, 256)
        assert np.abs(seen - project(direct.pose, points, 256, 256)).max() < 4


def test_a_small_face_in_a_large_frame_is_found_and_followed(landmarker: Landmarker, astronaut: np.ndarray):
    small = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    frame = np.full((720, 1280, 3), 90, np.uint8)
    frame[430:686, 900:1156] = small
    assert landmarker.faces(frame) == [], "the detector alone does not see it"
    follower = FaceTracker(landmarker)
    for _ in range(6):
        follower.add(frame)
    faces = follower.finish()
    assert sorted(faces) == list(range(6))
    (large,) = landmarker.faces(astronaut)
    expected = large.landmarks[MOUTH, :2] / 2 + (900, 430)
    assert np.abs(faces[5].landmarks[MOUTH, :2] - expected).max() < 4


def test_nothing_is_found_in_nothing(landmarker: Landmarker):
    for height, width in [(1, 1), (8, 500), (64, 64), (17, 300)]:
        assert landmarker.faces(np.zeros((height, width, 3), np.uint8)) == []


def test_it_is_quiet(capfd: pytest.CaptureFixture[str], astronaut: np.ndarray):
    with Landmarker() as one:
        one.faces(astronaut)
    assert capfd.readouterr().err == ""


def test_missing_system_libraries_are_named(monkeypatch: pytest.MonkeyPatch):
    def fail(model: bytes) -> None:
        raise OSError("libEGL.so.1: cannot open shared object file")

    monkeypatch.setattr("bench_lipsync.harness.faces.landmarker._load", fail)
    with pytest.raises(BenchError, match=r"libEGL\.so\.1: cannot open.*apt-get install libegl1"), Landmarker():
        pass


@pytest.mark.shared
def test_grid_clips_of_360_pixels_have_a_face_in_every_frame(landmarker: Landmarker, shared: Path):
    from bench_lipsync.harness.media import decode_video

    for chunk in decode_video(shared / "media/grid/bbaf2n.mpg", end=1.0):
        assert all(len(landmarker.faces(frame)) == 1 for frame in chunk)
