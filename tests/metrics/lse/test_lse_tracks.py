"""The pipeline's tracker, crop boxes and shots on made-up faces."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import medfilt

from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.scene_cuts import SceneCuts
from bench_lipsync.metrics.lse.spool import FrameSpool
from bench_lipsync.metrics.lse.tracks import MAX_GAP, find_tracks, overlap, smooth_boxes

NONE = np.empty((0, 5))


def face(x: float, y: float = 100, side: float = 120) -> np.ndarray:
    return np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2, 0.99])


def frames(*columns: list[np.ndarray | None]) -> list[np.ndarray]:
    """Per frame the faces of every column that has one there."""
    rows = zip(*columns, strict=True)
    return [np.array([box for box in row if box is not None]).reshape(-1, 5) for row in rows]


def test_overlap() -> None:
    assert overlap(np.array([0.0, 0, 2, 2]), np.array([1.0, 0, 3, 2])) == pytest.approx(1 / 3)
    assert overlap(np.array([0.0, 0, 2, 2]), np.array([2.0, 2, 3, 3])) == 0


def test_two_people_give_two_tracks_whatever_their_order() -> None:
    left = [face(100 + 0.2 * i) for i in range(130)]
    right = [face(400 - 0.2 * i) for i in range(130)]
    faces = [boxes[:: 1 if i % 2 else -1] for i, boxes in enumerate(frames(left, right))]
    tracks = find_tracks(faces, [(0, 130)])
    assert [track.first for track in tracks] == [0, 0]
    assert sorted(float(track.boxes[0, 0]) for track in tracks) == [40, 340]
    for track in tracks:
        assert len(track.boxes) == 130
        assert np.abs(np.diff(track.boxes[:, 0])).max() < 1, "a track stays with its person"


def test_gaps_are_filled_in_a_straight_line() -> None:
    path: list[np.ndarray | None] = [face(100 + i) for i in range(140)]
    for i in range(50, 50 + MAX_GAP - 1):
        path[i] = None
    (track,) = find_tracks(frames(path), [(0, 140)])
    assert track.end == 140
    np.testing.assert_allclose(track.boxes[:, 0], 40 + np.arange(140))


def test_a_gap_too_long_ends_the_track() -> None:
    path: list[np.ndarray | None] = [face(100)] * 120 + [None] * MAX_GAP + [face(100)] * 110
    first, second = find_tracks(frames(path), [(0, len(path))])
    assert (first.first, first.end, second.first, second.end) == (0, 120, 120 + MAX_GAP, len(path))


def test_a_jump_begins_another_track() -> None:
    path = [face(100)] * 110 + [face(300)] * 105
    assert [track.first for track in find_tracks(frames(path), [(0, 215)])] == [0, 110]


def test_shots_cut_tracks() -> None:
    path = [face(100)] * 260
    first, second = find_tracks(frames(path), [(0, 130), (130, 260)])
    assert (first.end, second.first) == (130, 130)


@pytest.mark.parametrize(
    ("faces", "shots", "status", "reason"),
    [
        ([NONE] * 150, [(0, 150)], Status.NO_FACE, "no face in any of 150 frames"),
        (frames([face(100)] * 100), [(0, 100)], Status.TOO_SHORT, "found in 100 frames; it takes more than 100"),
        (frames([face(100)] * 99), [(0, 99)], Status.TOO_SHORT, "a shot of 99 frames"),
        (frames([face(100, side=100)] * 120), [(0, 120)], Status.TOO_SHORT, "a face of 100 pixels"),
    ],
)
def test_nothing_left_says_why(
    faces: list[np.ndarray], shots: list[tuple[int, int]], status: Status, reason: str
) -> None:
    with pytest.raises(ClipError, match=reason) as caught:
        find_tracks(faces, shots)
    assert caught.value.status is status


def test_boxes_are_median_filtered_with_zeros_beyond_the_ends() -> None:
    path = [face(100 + 0.5 * i, side=120 + i % 3) for i in range(120)]
    path[60] = face(115, y=130)
    (track,) = find_tracks(frames(path), [(0, 120)])
    centre = (track.boxes[:, 0] + track.boxes[:, 2]) / 2
    side = track.boxes[:, 2] - track.boxes[:, 0]
    smooth = smooth_boxes(track)
    np.testing.assert_allclose(smooth[:, 0], medfilt(centre, 13))
    np.testing.assert_allclose(smooth[:, 2], medfilt(side / 2, 13))
    assert smooth[60, 1] == 100, "one frame's jump is no movement"


def test_cuts_are_found_and_not_within_fifteen_frames() -> None:
    draw = np.random.default_rng(0)
    pictures = [draw.integers(0, 255, (40, 60, 3), np.uint8) for _ in range(3)]
    scenes = SceneCuts()
    for index in range(90):
        scene = 0 if index < 30 else 1 if index < 38 else 2
        scenes.push(np.clip(pictures[scene].astype(int) + draw.integers(-2, 3), 0, 255).astype(np.uint8))
    assert scenes.cuts == [30]
    assert scenes.shots() == [(0, 30), (30, 90)]


def test_spool_gives_back_any_stretch() -> None:
    video = np.random.default_rng(0).integers(0, 255, (50, 6, 5, 3), np.uint8)
    spool = FrameSpool()
    for first in range(0, 50, 7):
        spool.push(video[first : first + 7])
    assert spool.frames == 50
    np.testing.assert_array_equal(np.concatenate(list(spool.read(11, 45, chunk=8))), video[11:45])
    spool.close()
