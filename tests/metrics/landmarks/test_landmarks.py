"""LMD, lip opening and leakage: known answers on points that we place, and order on a real photograph."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from check_scorer import check_scorer, score_clip

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME
from bench_lipsync.harness.assets.lookup import asset_present
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.harness.faces.landmark_indices import LIPS
from bench_lipsync.harness.faces.landmarker import Landmarker
from bench_lipsync.metrics.landmarks import lip_leak, lip_opening, lmd
from bench_lipsync.metrics.landmarks.scorer import LandmarkScorer
from bench_lipsync.metrics.truth_cache import TruthCache

FRAMES, SIZE, EYES = 40, 64, 50.0
RNG = np.random.default_rng(0)
BASE = RNG.uniform(10, 54, (468, 2)).astype(np.float32)
BASE[[33, 263]] = [[7, 20], [7 + EYES, 20]]


def mouth(opening: np.ndarray) -> np.ndarray:
    """Points (T, 468, 2) of a face that stands still but for lips whose inner points part by `opening` (T,)."""
    points = np.repeat(BASE[None], len(opening), axis=0)
    points[:, lip_opening.LOWER] = points[:, lip_opening.UPPER]
    points[:, lip_opening.LOWER, 1] += opening[:, None]
    return points


def frames(kinds: np.ndarray | range) -> np.ndarray:
    """Pictures that only stand for themselves: equal kinds, equal pictures."""
    return np.stack([np.full((SIZE, SIZE, 3), kind, np.uint8) for kind in kinds])


class Finder:
    """Gives prepared points by the picture's grey level, and counts how often it is asked."""

    def __init__(self, points: dict[int, np.ndarray]) -> None:
        self.points, self.calls, self.open = points, 0, False

    def __call__(self, picture: np.ndarray, expected: object) -> np.ndarray:
        self.calls += 1
        self.open = True
        return self.points.get(int(picture[0, 0, 0]), np.full((468, 2), np.nan, np.float32))

    def close(self) -> None:
        self.open = False


def clip(audio: np.ndarray | None = None, count: int = FRAMES) -> Any:
    sound = np.full(count * SAMPLES_PER_FRAME, 3000, np.int16) if audio is None else audio
    faces = SimpleNamespace(landmarks=np.repeat(np.pad(BASE, ((0, 10), (0, 1)))[None], count, axis=0))
    return SimpleNamespace(faces=faces, frames=count, size=SIZE, audio=lambda: sound, content_hash="c")


def scorer_with(find: Finder, room: int = 0) -> LandmarkScorer:
    scorer = LandmarkScorer.__new__(LandmarkScorer)
    scorer._finder, scorer._truth = lambda: find, TruthCache(room)  # type: ignore[assignment, return-value]
    return scorer


def case(output: np.ndarray, truth: np.ndarray, audio: np.ndarray | None = None) -> tuple[LandmarkScorer, Any]:
    """A scorer that finds the points (T, 468, 2) of both sides, and its clip, output, truth and audio."""
    count = len(truth)
    points = dict(enumerate(truth)) | {100 + i: found for i, found in enumerate(output)}
    of = clip(audio, count)
    return scorer_with(Finder(points)), (of, frames(range(100, 100 + count)), frames(range(count)), of.audio())


def measure(output: np.ndarray, truth: np.ndarray, audio: np.ndarray | None = None) -> dict[str, float]:
    """Values for points (T, 468, 2) of both sides."""
    scorer, arguments = case(output, truth, audio)
    return dict(score_clip(scorer, *arguments).values)


SPEECH = 5 + 4 * np.sin(np.arange(FRAMES))


def test_equal_faces_have_no_distance() -> None:
    truth = mouth(SPEECH)
    values = measure(truth, truth)
    assert [values[f"{name}[mediapipe]"] for name in ("LMD", "LMD-mouth", "LipOpen-error")] == [0, 0, 0]
    assert values["LMD-mouth[mediapipe-centred]"] == 0
    assert values["LipOpen-corr[mediapipe]"] == pytest.approx(1)
    assert "LipLeak[opening-speed]" not in values, "no silence in this sound"


def test_a_shift_counts_in_eye_distances_and_not_for_the_shape_of_the_lips() -> None:
    truth = mouth(SPEECH)
    values = measure(truth + np.float32([3, 4]), truth)
    assert values["LMD[mediapipe]"] == pytest.approx(100 * 5 / EYES, rel=1e-5)
    assert values["LMD-mouth[mediapipe]"] == pytest.approx(100 * 5 / EYES, rel=1e-5)
    assert values["LMD-mouth[mediapipe-centred]"] == pytest.approx(0, abs=1e-4)
    assert values["LipOpen-error[mediapipe]"] == pytest.approx(0, abs=1e-4)


def test_lips_that_open_less_have_the_error_and_keep_the_correlation() -> None:
    errors = [measure(mouth(SPEECH * (1 - part)), mouth(SPEECH)) for part in (0, 0.1, 0.3, 0.6)]
    opening = [values["LipOpen-error[mediapipe]"] for values in errors]
    assert opening == pytest.approx([100 * part * SPEECH.mean() / EYES for part in (0, 0.1, 0.3, 0.6)], abs=1e-3)
    assert all(values["LipOpen-corr[mediapipe]"] == pytest.approx(1, abs=1e-4) for values in errors)
    for column in ("LMD-mouth[mediapipe]", "LMD-mouth[mediapipe-centred]", "LMD[mediapipe]"):
        assert sorted(values[column] for values in errors) == [values[column] for values in errors]


def test_still_lips_have_no_correlation_and_opposite_ones_minus_one() -> None:
    truth = mouth(SPEECH)
    assert "LipOpen-corr[mediapipe]" not in measure(mouth(np.full(FRAMES, 5.0)), truth)
    assert measure(mouth(10 - SPEECH), truth)["LipOpen-corr[mediapipe]"] == pytest.approx(-1, abs=1e-4)


def test_correlation_equals_numpy() -> None:
    a, b = RNG.normal(size=(2, 50))
    assert lip_opening.opening_correlation(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])


def test_chunks_do_not_matter() -> None:
    scorer, arguments = case(mouth(SPEECH[::-1]), mouth(SPEECH))
    check_scorer(scorer, arguments)


def test_equal_frames_are_searched_once_and_the_truth_once_a_run() -> None:
    truth = mouth(SPEECH)
    finder = Finder(dict(enumerate(truth)) | {200: truth[0]})
    scorer, real = scorer_with(finder, FRAMES), frames(range(FRAMES))
    results = []
    for output in (real, np.repeat(frames([200]), FRAMES, axis=0), real):
        score = score_clip(scorer, clip(), output, real, clip().audio())
        results.append((finder.calls, score.values["LMD-mouth[mediapipe]"]))
    # The truth costs a search a frame, the still output one, the truth again none.
    assert [calls for calls, _ in results] == [FRAMES, FRAMES + 1, FRAMES + 1]
    assert not finder.open
    assert results[0][1] == 0 < results[1][1]
    scorer = scorer_with(finder, FRAMES - 1)  # no room for the clip
    for turn in (2, 3):
        score_clip(scorer, clip(), real, real, clip().audio())
        assert finder.calls == turn * FRAMES + 1


def test_frames_without_a_face_are_left_out_up_to_a_tenth() -> None:
    truth = mouth(SPEECH)
    output = truth + np.float32([0, 5])
    for count, missing in ((FRAMES, 4), (FRAMES, 5)):
        gap = output.copy()
        gap[3 : 3 + missing] = np.nan
        if missing == 4:
            assert measure(gap, truth)["LMD[mediapipe]"] == pytest.approx(100 * 5 / EYES, rel=1e-4)
            continue
        with pytest.raises(ClipError, match=f"no face found in 5 of {count} frames of the output") as caught:
            measure(gap, truth)
        assert caught.value.status is Status.METRIC_FAILED
    with pytest.raises(ClipError, match="ground truth"):
        measure(output, np.full_like(truth, np.nan))


def test_curves_have_a_number_for_every_frame() -> None:
    truth, output = mouth(SPEECH), mouth(SPEECH)
    output[2] = np.nan
    scorer, arguments = case(output, truth)
    curves = score_clip(scorer, *arguments).per_frame
    assert set(curves) == {i.column for i in LandmarkScorer.describe()} - {
        "LipOpen-corr[mediapipe]",
        "LipLeak[opening-speed]",
    }
    assert all(c.shape == (FRAMES,) and c.dtype == np.float32 and np.isfinite(c).all() for c in curves.values())


def speech_and_silence(silent: slice, level: float = 0.0) -> np.ndarray:
    """Noise with a silent stretch of frames, in which noise of `level` (part of the loud one) remains."""
    sound = np.random.default_rng(1).normal(0, 4000, (FRAMES, SAMPLES_PER_FRAME))
    sound[silent] *= level
    return sound.astype(np.int16).reshape(-1)


def test_silence_is_found_by_level() -> None:
    expected = np.zeros(FRAMES, bool)
    expected[10:30] = True
    for level in (0.0, 10 ** (-36 / 20)):
        np.testing.assert_array_equal(lip_leak.silent_frames(speech_and_silence(slice(10, 30), level)), expected)
    assert not lip_leak.silent_frames(speech_and_silence(slice(10, 30), 10 ** (-30 / 20))).any()
    assert lip_leak.silent_frames(np.zeros(FRAMES * SAMPLES_PER_FRAME, np.int16)).all()
    np.testing.assert_array_equal(np.flatnonzero(lip_leak.without_margin(expected)), range(13, 27))
    expected[:10] = True  # The beginning of the clip is no speech.
    np.testing.assert_array_equal(np.flatnonzero(lip_leak.without_margin(expected)), range(27))


def test_leakage_is_the_movement_in_silence_in_parts_of_that_in_speech() -> None:
    sound = speech_and_silence(slice(10, 30))
    quiet = (np.arange(FRAMES) >= 10) & (np.arange(FRAMES) < 30)
    steps = np.where(np.arange(FRAMES) % 2, 2.0, -2.0)
    truth = 5 + np.where(quiet, -2, steps)
    leaks = [
        measure(mouth(5 + np.where(quiet, part * steps, steps)), mouth(truth), sound)["LipLeak[opening-speed]"]
        for part in (0.0, 0.25, 0.5, 1.0)
    ]
    assert leaks == pytest.approx([0, 0.25, 0.5, 1], abs=0.01)
    assert measure(mouth(np.full(FRAMES, 3.0)), mouth(truth), sound)["LipLeak[opening-speed]"] == 0


def test_too_little_silence_has_no_leakage() -> None:
    curve, silent = SPEECH, np.zeros(FRAMES, bool)
    silent[10:22] = True  # six frames without the margins are five steps
    assert lip_leak.leakage(curve, curve, silent, silent) is None
    silent[22] = True
    assert lip_leak.leakage(curve, curve, silent, silent) is not None
    assert lip_leak.leakage(curve, np.full(FRAMES, 1.0), silent, silent) is None


def test_a_photograph_whose_mouth_is_moved() -> None:
    if os.environ.get("BENCH_OFFLINE") and not asset_present("face_landmarker"):
        pytest.skip("NOT CHECKED: the weights of FaceLandmarker are not in the cache and BENCH_OFFLINE is set")
    import cv2
    from skimage import data

    photo = np.ascontiguousarray(data.astronaut()[:256, 96:352])
    scorer = LandmarkScorer()
    with Landmarker() as landmarker:
        face = landmarker.faces(photo)[0]
    of = clip(count=1)
    of.faces.landmarks = face.landmarks[None]
    centre = face.landmarks[list(LIPS), :2].mean(axis=0)
    rows, columns = np.indices((256, 256), dtype=np.float32)
    weight = np.exp(-((columns - centre[0]) ** 2 + (rows - centre[1]) ** 2) / (2 * 14.0**2)).astype(np.float32)
    found = []
    for pixels in (0, 2, 4, 6):
        moved = cv2.remap(photo, columns, rows - pixels * weight, cv2.INTER_LINEAR)
        found.append(score_clip(scorer, of, moved[None], photo[None], of.audio()).values)
    for column in ("LMD[mediapipe]", "LMD-mouth[mediapipe]"):
        values = [one[column] for one in found]
        assert values == sorted(values) and values[0] == 0 < values[1]
    eyes = float(lmd.eye_distance(face.landmarks[:, :2]))
    assert found[2]["LMD-mouth[mediapipe]"] * eyes / 100 == pytest.approx(3, abs=1.5), "most of the 4 pixels"
    assert all(one["LMD[mediapipe]"] < one["LMD-mouth[mediapipe]"] for one in found[1:])


def test_names() -> None:
    names = [info.name for info in LandmarkScorer.describe()]
    assert names == ["LMD", "LMD-mouth", "LMD-mouth", "LipOpen-error", "LipOpen-corr", "LipLeak"]
