"""LMD of ATVGnet's script: known answers on mouths that we place, and the script's own arithmetic on a real clip."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from check_scorer import check_scorer, score_clip

from bench_lipsync.harness.assets.catalog import CATALOG
from bench_lipsync.harness.assets.lookup import AssetMissing, asset_path, asset_present
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.media import decode_video
from bench_lipsync.metrics.landmarks.atvg import MEAN, MISSED, SUM, AtvgScorer, mouth_distance
from bench_lipsync.metrics.truth_cache import TruthCache
from bench_lipsync.models.backbones import dlib_landmarks
from bench_lipsync.models.backbones.dlib_landmarks import ASSET, DlibMouth

FRAMES = 20
MOUTH = np.random.default_rng(0).integers(10, 54, (20, 2)).astype(np.float32)
CLIPS = Path(__file__).resolve().parents[4] / "shared" / "media" / "hdtf"


def frames(kinds: np.ndarray | range) -> np.ndarray:
    """Pictures that only stand for themselves: equal kinds, equal pictures."""
    return np.stack([np.full((64, 64, 3), kind, np.uint8) for kind in kinds])


def scorer_with(points: dict[int, np.ndarray], room: int = 0, calls: list[int] | None = None) -> AtvgScorer:
    """A scorer that finds prepared mouths by the picture's grey level, and none in other pictures."""

    def find(frame: np.ndarray) -> np.ndarray:
        if calls is not None:
            calls.append(int(frame[0, 0, 0]))
        return points.get(int(frame[0, 0, 0]), np.full((20, 2), np.nan, np.float32))

    scorer = AtvgScorer.__new__(AtvgScorer)
    scorer._find, scorer._truth = find, TruthCache(room)
    return scorer


def clip(count: int = FRAMES) -> Any:
    return SimpleNamespace(frames=count, content_hash="c")


def measure(points: dict[int, np.ndarray]) -> Any:
    """The score of frames 100, 101, ... against 0, 1, ..."""
    return score_clip(scorer_with(points), clip(), frames(range(100, 100 + FRAMES)), frames(range(FRAMES)))


def sides(output: np.ndarray) -> dict[int, np.ndarray]:
    return dict.fromkeys(range(FRAMES), MOUTH) | {100 + i: output for i in range(FRAMES)}


def test_a_mouth_elsewhere_is_the_same_mouth() -> None:
    values = measure(sides(MOUTH + np.float32([7, -3]))).values
    assert values == {SUM.column: pytest.approx(0, abs=1e-9), MEAN.column: pytest.approx(0), MISSED.column: 0}


def test_one_point_off_by_hand() -> None:
    """A point 20 px to the right moves the centre by 1: it is 19 off, the other nineteen 1 each."""
    moved = MOUTH.copy()
    moved[3, 0] += 20
    values = measure(sides(moved)).values
    assert values[SUM.column] == pytest.approx(19 + 19)
    assert values[MEAN.column] == pytest.approx(38 / 20)
    assert mouth_distance(moved, MOUTH) == pytest.approx(38)


def test_frames_without_a_face_on_either_side_are_left_out_and_counted() -> None:
    moved = MOUTH.copy()
    moved[3, 0] += 20
    points = sides(MOUTH) | {100: moved}
    del points[101], points[2]
    score = measure(points)
    assert score.values == {
        SUM.column: pytest.approx(38 / 18),
        MEAN.column: pytest.approx(38 / 18 / 20),
        MISSED.column: 10.0,
    }
    assert np.flatnonzero(np.isnan(score.per_frame[SUM.column])).tolist() == [1, 2]
    del points[103]
    with pytest.raises(ClipError, match="no face in 3 of 20 frames") as caught:
        measure(points)
    assert caught.value.status is Status.METRIC_FAILED


def test_the_contract_and_equal_frames() -> None:
    output = frames([0, 101, 101, 3, 104, *range(5, FRAMES)])
    points = sides(MOUTH + np.float32(1)) | {1: MOUTH[::-1]}
    check_scorer(scorer_with(points), (clip(), output, frames(range(FRAMES))), track=False)


@pytest.mark.parametrize(("room", "truth_looks"), [(0, 2), (FRAMES, 1)])
def test_a_still_picture_is_looked_at_once_and_the_truth_once_a_run(room: int, truth_looks: int) -> None:
    calls: list[int] = []
    scorer = scorer_with(sides(MOUTH), room, calls)
    for _ in range(2):
        score_clip(scorer, clip(), frames([100] * FRAMES), frames(range(FRAMES)))
    assert calls.count(100) == 2 and calls.count(5) == truth_looks


def test_only_the_variants_name_asks_for_it() -> None:
    assert all(info.on_request for info in AtvgScorer.describe() if info.name == "LMD")
    assert [info.column for info in AtvgScorer.describe()] == ["LMD[atvg-sum]", "LMD[atvg-mean]", "LMD-missed[atvg]"]
    assert "over=sum" in SUM.signature and "over=mean" in MEAN.signature


def test_what_is_missing_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    with pytest.raises(AssetMissing, match=r"no commercial use.*bench assets fetch dlib_landmarks"):
        AtvgScorer()
    monkeypatch.setattr(dlib_landmarks, "asset_path", lambda name: tmp_path / name)
    monkeypatch.setitem(sys.modules, "dlib", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BenchError, match=r"pip install 'bench-lipsync\[dlib\]'"):
        AtvgScorer()


def test_nothing_is_loaded_before_the_first_picture_and_the_last_face_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for dlib, which is an extra: what is asked of it, and what is made of its answer."""
    asked: list[Any] = []

    def detector(grey: np.ndarray, upsampled: int) -> list[str]:
        asked.append((grey.shape, grey.dtype, upsampled))
        return ["first", "last"] if grey.any() else []

    def predictor(grey: np.ndarray, box: str) -> Any:
        asked.append(box)
        return SimpleNamespace(part=lambda i: SimpleNamespace(x=i, y=2 * i))

    def load(path: str) -> Any:
        asked.append(path)
        return predictor

    stand_in = SimpleNamespace(get_frontal_face_detector=lambda: detector, shape_predictor=load, __spec__=object())
    monkeypatch.setattr(dlib_landmarks, "asset_path", Path)
    monkeypatch.setitem(sys.modules, "dlib", stand_in)  # type: ignore[arg-type]
    find = DlibMouth()
    assert asked == []
    assert np.array_equal(find(np.full((8, 8, 3), 9, np.uint8)), [(i, 2 * i) for i in range(48, 68)])
    assert asked == [ASSET, ((8, 8), np.uint8, 1), "last"]
    assert np.isnan(find(np.zeros((8, 8, 3), np.uint8))).all()
    assert asked.count(ASSET) == 1


@pytest.mark.shared
def test_equals_the_script_on_a_real_clip() -> None:
    if importlib.util.find_spec("dlib") is None or not asset_present(ASSET):
        pytest.skip("NOT CHECKED: dlib or its landmarks are not here (docs/metrics/lmd.md)")
    videos = sorted(CLIPS.glob("*.mp4"))
    if not videos:
        pytest.skip("NOT CHECKED: shared/media/hdtf is not beside the checkout")
    whole = next(iter(decode_video(videos[0], chunk=10)))
    truth = np.stack([cv2.resize(frame, (256, 256), interpolation=cv2.INTER_AREA) for frame in whole])
    output = np.stack([cv2.GaussianBlur(frame, (0, 0), 1.5) for frame in np.roll(truth, 3, axis=0)])
    values = score_clip(AtvgScorer(), clip(len(truth)), output, truth).values

    import dlib

    detector, predictor = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(asset_path(ASSET)))
    sums = []
    for pair in zip(output, truth, strict=True):
        mouths = []
        for image in pair:
            grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            (box,) = detector(grey, 1)
            parts = predictor(grey, box).parts()
            mouth = np.array([[part.x, part.y] for part in parts][48:68], int)
            mouths.append(mouth - np.sum(mouth, axis=0) / 20.0)
        sums.append(sum(np.sqrt(((mouths[0] - mouths[1]) ** 2).sum(axis=1))))
    assert values[SUM.column] == pytest.approx(np.mean(sums), rel=1e-12) and np.mean(sums) > 0
    assert values[MEAN.column] == pytest.approx(np.mean(sums) / 20, rel=1e-12)
    assert values[MISSED.column] == 0


def test_the_catalogue_names_the_library() -> None:
    assert CATALOG[ASSET].asks_first and CATALOG[ASSET].library == "dlib"
