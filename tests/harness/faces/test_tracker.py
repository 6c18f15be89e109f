"""Following, with a landmarker whose finds are written down: pictures carry the number of their frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.landmarker import Face
from bench_lipsync.harness.faces.region import Region
from bench_lipsync.harness.faces.tracker import MAX_GAP, MAX_LOOK, FaceTracker

SIDE = 400


def face(x: float, y: float, side: float) -> Face:
    landmarks = np.zeros((478, 3), np.float32)
    landmarks[0, :2] = (x, y)
    landmarks[1:, :2] = (x + side, y + side)
    return Face(landmarks, np.eye(4, dtype=np.float32), np.zeros(52, np.float32), Region(x, y, side, side))


class Script:
    """Returns what `scene` says for a frame: `(face, whether only an enlarged look finds it)`."""

    def __init__(self, scene: Callable[[int], list[tuple[Face, bool]]]) -> None:
        self.scene = scene
        self.looks = 0

    def faces(self, picture: np.ndarray, region: Region | None = None) -> list[Face]:
        self.looks += 1
        close = region is not None and region.side < SIDE
        found = []
        for one, small in self.scene(int(picture[0, 0, 0]) * 256 + int(picture[0, 0, 1])):
            x, y = one.box.centre
            inside = region is None or (
                region.x <= x <= region.x + region.width and region.y <= y <= region.y + region.height
            )
            if inside and (close or not small):
                found.append(one)
        return found


def follow(scene: Callable[[int], list[tuple[Face, bool]]], frames: int = 100) -> tuple[dict[int, Face], Script]:
    script = Script(scene)
    follower = FaceTracker(script)
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    for number in range(frames):
        picture[0, 0, :2] = divmod(number, 256)
        follower.add(picture)
    return follower.finish(), script


def status_of(scene: Callable[[int], list[tuple[Face, bool]]], frames: int = 100) -> tuple[Status, str]:
    with pytest.raises(ClipError) as caught:
        follow(scene, frames)
    return caught.value.status, caught.value.reason


def test_one_face_is_followed_with_one_look_a_frame():
    faces, script = follow(lambda k: [(face(100 + k, 100, 80), False)])
    assert [one.box.x for one in faces.values()] == [100 + k for k in range(100)]
    assert script.looks == 100


def test_the_larger_face_is_followed_even_where_they_change_order():
    def scene(k: int) -> list[tuple[Face, bool]]:
        both = [(face(50, 100, 90), False), (face(250, 100, 50), False)]
        return both[::-1] if k % 2 else both

    faces, _ = follow(scene)
    assert {one.box.x for one in faces.values()} == {50}


def test_presence_counts_beside_size():
    def scene(k: int) -> list[tuple[Face, bool]]:
        steady = [(face(250, 100, 60), False)]
        return [(face(20, 100, 100), False), *steady] if k in (3, 4) else steady

    faces, _ = follow(scene)
    assert {one.box.x for one in faces.values()} == {250}


def test_a_short_gap_is_left_for_interpolation_and_a_long_one_is_no_face():
    faces, _ = follow(lambda k: [] if 50 <= k < 50 + MAX_GAP else [(face(100, 100, 80), False)])
    assert sorted(set(range(100)) - set(faces)) == list(range(50, 50 + MAX_GAP))
    status, reason = status_of(lambda k: [] if 50 <= k <= 50 + MAX_GAP else [(face(100, 100, 80), False)])
    assert status == Status.NO_FACE
    assert "from frame 50" in reason


@pytest.mark.parametrize(
    ("gap", "reason"),
    [
        (
            range(50, 87),
            "the face that is followed is not seen in 37 frames in a row, from frame 50 (2.00 to 3.48 s)",
        ),
        (
            range(60, 100),
            "the face that is followed is not seen in 40 frames in a row, from frame 60 (2.40 to 4.00 s)",
        ),
        (range(30), "no face is seen in 30 frames in a row, from frame 0 (0.00 to 1.20 s)"),
        (range(100), "no face in any of 100 frames"),
    ],
)
def test_the_true_length_of_a_gap_is_said(gap: range, reason: str):
    assert status_of(lambda k: [] if k in gap else [(face(100, 100, 80), False)])[1] == reason


@pytest.mark.parametrize("start", [0, 8, 30, 100 - MAX_GAP - 1])
def test_long_gaps_are_found_wherever_they_are(start: int):
    gap = range(start, start + MAX_GAP + 1)
    assert status_of(lambda k: [] if k in gap else [(face(100, 100, 80), False)])[0] == Status.NO_FACE


def test_many_short_gaps_are_no_face():
    assert status_of(lambda k: [] if k % 6 == 5 else [(face(100, 100, 80), False)])[0] == Status.NO_FACE


def test_no_face_at_all_ends_early():
    status, reason = status_of(lambda k: [], 10_000)
    assert status == Status.NO_FACE
    assert f"in {MAX_LOOK} or more frames" in reason


def test_a_lost_face_is_looked_for_enlarged():
    faces, _ = follow(lambda k: [(face(100, 100, 60), k > 10)])
    assert len(faces) == 100


def test_a_face_that_is_small_from_the_start_is_searched_for():
    faces, _ = follow(lambda k: [(face(310, 20, 30), True)])
    assert len(faces) == 100


def test_a_jump_is_somebody_else():
    status, reason = status_of(lambda k: [(face(20 if k < 50 else 280, 100, 80), False)])
    assert status == Status.NO_FACE
    assert "frame 50" in reason


def test_two_alike_are_several_faces():
    status, reason = status_of(lambda k: [(face(20, 100, 90), False), (face(250, 100, 80), False)])
    assert status == Status.SEVERAL_FACES
    assert "100 of 100" in reason


def test_a_passer_by_is_not():
    faces, _ = follow(lambda k: [(face(20, 100, 90), False), *([(face(250, 100, 80), False)] if k < 30 else [])])
    assert len(faces) == 100
