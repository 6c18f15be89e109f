"""The crop to a program's picture and back: known answers, round trips, coverage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_clips import FRAMES, SIZE, describe, make_clip, waves

from bench_lipsync.baselines.external.description import Alignment
from bench_lipsync.baselines.external.exchange.alignment import fit_similarity, place
from bench_lipsync.baselines.external.exchange.clip_video import write_clip
from bench_lipsync.baselines.external.exchange.collect import collect
from bench_lipsync.baselines.external.exchange.face_regions import EYE_LEFT, EYE_RIGHT, MOUTH
from bench_lipsync.baselines.external.exchange.geometry import Placement, invert, warp
from bench_lipsync.baselines.external.exchange.staging import stage
from bench_lipsync.harness.api.clip import PreparedClip
from bench_lipsync.harness.errors import ClipError
from bench_lipsync.harness.media import decode_video

PCAVS = Alignment(
    kind="similarity", size=112, left_eye=(43.5, 29.5), right_eye=(68.5, 29.5), mouth=(56, 60), crop=(8, 0, 96, 96)
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> PreparedClip:
    return make_clip(tmp_path_factory.mktemp("clip"))


def test_a_program_that_edits_the_crop_gets_and_gives_it_untouched(clip: PreparedClip) -> None:
    placement = place(Alignment(), clip)
    frames = waves(3)
    assert placement.give(frames, 0) is frames and placement.take_back(frames, 0, frames[0, 0, 0]) is frames
    assert placement.coverage() == 1.0


def test_whole_pixel_shifts_and_turns_are_exact() -> None:
    picture = waves(1)[0]
    shift = np.array([[1.0, 0, -5], [0, 1, -8]])
    moved = warp(picture, shift, SIZE, SIZE, None)
    assert np.array_equal(moved[: SIZE - 8, : SIZE - 5], picture[8:, 5:])
    quarter = np.array([[0.0, -1, SIZE], [1, 0, 0]])
    assert np.array_equal(warp(picture, quarter, SIZE, SIZE, None), np.rot90(picture, -1))
    filled = warp(picture, shift, SIZE, SIZE, np.array([1, 2, 3], np.uint8))
    assert (filled[SIZE - 8 :] == (1, 2, 3)).all() and np.array_equal(filled[: SIZE - 8, : SIZE - 5], picture[8:, 5:])


def test_shrinking_averages_and_enlarging_keeps_the_place() -> None:
    fine = np.indices((64, 64)).sum(axis=0)[..., None].repeat(3, 2) % 2 * 255
    half = warp(fine.astype(np.uint8), np.diag([0.25, 0.25, 1.0])[:2], 16, 16, None)
    assert np.abs(half.astype(int) - 127).max() <= 1, "a checkerboard becomes grey, not a pattern"
    ramp = np.linspace(0, 252, 64)[None, :, None].repeat(64, 0).repeat(3, 2).astype(np.uint8)
    there = warp(ramp, np.array([[2.0, 0, 0], [0, 2.0, 0]]), 128, 128, None)
    back = warp(there, np.array([[0.5, 0, 0], [0, 0.5, 0]]), 64, 64, None)
    assert np.abs(back.astype(int) - ramp).max() <= 1


def test_similarities_are_found_again() -> None:
    random = np.random.default_rng(0)
    source = random.uniform(0, 100, (3, 2))
    angle, scale, shift = 0.4, 1.7, np.array([12.0, -30])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = fit_similarity(source, source @ turn.T + shift)
    assert np.allclose(found, np.hstack([turn, shift[:, None]]))
    assert np.allclose(invert(found) @ np.append(source[0] @ turn.T + shift, 1), source[0])
    with pytest.raises(ValueError, match="in one place"):
        fit_similarity(np.zeros((3, 2)), source)


def test_eyes_and_mouth_come_to_their_places(clip: PreparedClip) -> None:
    placement = place(PCAVS, clip)
    assert placement.inward is not None and placement.inward.shape == (FRAMES, 2, 3)
    for part, (x, y) in ((EYE_LEFT, PCAVS.left_eye), (EYE_RIGHT, PCAVS.right_eye), (MOUTH, PCAVS.mouth)):  # type: ignore[misc]
        points = clip.faces.landmarks[:, list(part), :2].mean(axis=1)
        there = np.einsum("tij,tj->ti", placement.inward[:, :, :2], points) + placement.inward[:, :, 2]
        assert np.abs(there - (x, y)).max() < 3.0, "a least-squares fit of three points to a face of other proportions"


def test_smoothing_follows_slower_and_ends_in_the_same_place(clip: PreparedClip) -> None:
    slow = place(PCAVS.model_copy(update={"smoothing": 0.8}), clip)
    fast = place(PCAVS, clip)
    assert slow.inward is not None and fast.inward is not None
    assert np.allclose(slow.inward[0], fast.inward[0])
    middle = clip.faces.landmarks[:, list(EYE_LEFT), :2].mean(axis=1)

    def moves(maps: np.ndarray) -> float:
        there = np.einsum("tij,tj->ti", maps[:, :, :2], middle) + maps[:, :, 2]
        return float(np.abs(np.diff(there, axis=0)).mean())

    assert moves(slow.inward) > moves(fast.inward), "the face moves within the picture instead of being nailed to it"
    assert np.allclose(slow.inward[:, :, :2], fast.inward[:, :, :2])


@pytest.mark.parametrize("alignment", [PCAVS, Alignment(kind="square", size=64, margin=0.3)])
def test_there_and_back_again(clip: PreparedClip, tmp_path: Path, alignment: Alignment) -> None:
    """A program that gives back what it was given ends where it began, as far as its picture reaches."""
    description = describe(
        alignment=alignment.model_dump(),
        inputs=[{"name": "video", "kind": "video", "path": "in.mkv"}],
        steps=[{"argv": ["x"]}],
        output={"files": "{out}/*.mkv", "audio": False, "size": [80, 80]},
    )
    staged = stage(description, clip, clip.audio(), tmp_path)
    given = np.concatenate(list(decode_video(tmp_path / "in.mkv")))
    assert given.shape == (FRAMES, alignment.size, alignment.size, 3)
    x, y, wide, high = alignment.crop or (0, 0, alignment.size, alignment.size)
    assert x is not None and wide is not None and high is not None
    onto = np.array([[80 / wide, 0, -x * 80 / wide], [0, 80 / high, -y * 80 / high]])
    made = np.stack([warp(picture, onto, 80, 80, None) for picture in given])
    write_clip(tmp_path / "benchout/a.mkv", [made])
    found = collect(description, clip, staged, tmp_path)
    frames = np.concatenate(list(found.frames(chunk=8)))
    fill = np.median(made[0].reshape(-1, 3), axis=0).astype(np.uint8)
    covered = (frames != fill).any(axis=3)
    assert 0.3 < found.coverage < 1 and abs(covered.mean() - found.coverage) < 0.03
    assert any(note.startswith(f"the model's output covers {found.coverage:.0%} of the crop") for note in found.notes)
    inside = (
        covered & np.roll(covered, 2, 1) & np.roll(covered, -2, 1) & np.roll(covered, 2, 2) & np.roll(covered, -2, 2)
    )
    error = np.abs(frames.astype(int) - waves())[inside]
    assert error.mean() < 2.5 and np.percentile(error, 99) < 14
    assert staged.placement.covers(clip.faces.landmarks[0, list(MOUTH), :2], 0)
    assert not staged.placement.covers(np.array([[-50.0, 0.0]]), 0)


def test_coverage_of_known_squares() -> None:
    maps = np.repeat(np.array([[[1.0, 0, -24], [0, 1.0, -24]]]), 2, axis=0)
    assert Placement(96, maps, 48).coverage() == pytest.approx(0.25, abs=1e-4)
    assert Placement(96, maps, 48, (0, 0, 24, 48)).coverage() == pytest.approx(0.125, abs=1e-4)
    half_out = maps.copy()
    half_out[:, 0, 2] = 24.0
    assert Placement(96, half_out, 48).coverage() == pytest.approx(24 * 48 / 96**2, abs=1e-4)


def test_the_whole_crop_at_another_size(clip: PreparedClip) -> None:
    double = place(Alignment(kind="whole", size=2 * SIZE), clip)
    assert double.coverage() == pytest.approx(1.0)
    given = double.give(waves(2), 0)
    assert given.shape == (2, 2 * SIZE, 2 * SIZE, 3)
    back = double.take_back(given, 0, np.zeros(3, np.uint8))
    assert np.abs(back.astype(int) - waves(2)).max() <= 6, "twice linear interpolation"
    assert place(Alignment(kind="whole", size=SIZE), clip).inward is None


def test_a_picture_that_ends_within_the_lips_is_refused(clip: PreparedClip, tmp_path: Path) -> None:
    """Only where lips are compared: a model with a pose of its own shows them elsewhere."""
    low = {"kind": "similarity", "size": 64, "left_eye": [20, 45], "right_eye": [44, 45], "mouth": [32, 72]}
    for pose in ("target", "own"):
        description = describe(
            alignment=low,
            output={"files": "{out}/*.mkv", "audio": False},
            facts={"pose": pose},
        )
        folder = tmp_path / pose
        folder.mkdir()
        staged = stage(description, clip, clip.audio(), folder)
        write_clip(folder / "benchout/a.mkv", [waves(size=64)])
        found = collect(description, clip, staged, folder)
        if pose == "own":
            assert len(np.concatenate(list(found.frames()))) == FRAMES
        else:
            with pytest.raises(ClipError, match="cuts through the lips in 60 of 60 frames"):
                list(found.frames())
