from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from check_scorer import check_scorer, score_clip
from skimage import data
from skimage.transform import SimilarityTransform

from bench_lipsync.harness.assets.lookup import AssetMissing, asset_present
from bench_lipsync.harness.errors import ClipError, Status
from bench_lipsync.metrics.identity.csim import (
    FIRST_FRAME,
    INFO,
    INPUT,
    CsimFirstFrameScorer,
    CsimInputScorer,
    CsimScorer,
)
from bench_lipsync.metrics.truth_cache import TruthCache
from bench_lipsync.models.backbones.arcface import ASSET, FIVE_POINTS, TEMPLATE, ArcFace, align, alignment, cosine

# Of the astronaut in scikit-image, by FaceLandmarker, in pixels of the cut-out below: iris, iris, nose, mouth, mouth.
FACE_POINTS = np.array([[107.1, 101.3], [150.3, 103.4], [127.5, 126.7], [106.0, 139.3], [148.8, 140.7]], np.float32)
PHOTO = np.ascontiguousarray(data.astronaut()[:256, 96:352])


def clip(frames: int = 1, points: np.ndarray = FACE_POINTS) -> Any:
    landmarks = np.zeros((frames, 478, 3), np.float32)
    landmarks[:, FIVE_POINTS, :2] = points
    return SimpleNamespace(faces=SimpleNamespace(landmarks=landmarks), frames=frames, content_hash="c")


def synthetic(face: np.ndarray) -> np.ndarray:
    """Stands for the network where only the arithmetic around it is tested: a fixed random projection of 8x8 means."""
    small = cv2.resize(face, (8, 8), interpolation=cv2.INTER_AREA).astype(np.float32).reshape(-1)
    vector = np.random.default_rng(0).normal(size=(16, small.size)).astype(np.float32) @ (small - small.mean())
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def scorer_with(embed: Any, room: int = 100, kind: type[CsimScorer] = CsimScorer) -> CsimScorer:
    scorer = kind.__new__(kind)
    scorer._embed, scorer._truth = embed, TruthCache(room)
    return scorer


def measure(scorer: CsimScorer, output: np.ndarray, truth: np.ndarray) -> float:
    return score_clip(scorer, clip(len(truth)), output, truth).values[scorer.metrics[0].column]


def test_alignment_finds_a_known_similarity() -> None:
    angle, scale, shift = 0.4, 2.5, np.array([30.0, -12.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = alignment((TEMPLATE - shift) @ turn / scale)
    np.testing.assert_allclose(found[:, :2], scale * turn, atol=1e-9)
    np.testing.assert_allclose(found[:, 2], shift, atol=1e-9)


def test_alignment_equals_scikit_image() -> None:
    points = FACE_POINTS + np.random.default_rng(0).normal(0, 4, FACE_POINTS.shape)
    expected = SimilarityTransform.from_estimate(points, TEMPLATE)
    np.testing.assert_allclose(alignment(points), expected.params[:2], atol=1e-9)


def test_the_aligned_face_has_its_points_on_the_template() -> None:
    dots = np.zeros((256, 256, 3), np.uint8)
    place = np.linalg.inv(np.vstack([alignment(FACE_POINTS), [0, 0, 1]]))[:2]
    exact = TEMPLATE @ place[:, :2].T + place[:, 2]  # points that fit the template exactly
    for x, y in exact:
        cv2.circle(dots, (round(x * 16), round(y * 16)), 2 * 16, (255, 255, 255), -1, shift=4)
    face = align(dots, exact)
    assert face.shape == (112, 112, 3)
    assert all(face[round(y), round(x)].min() > 200 for x, y in TEMPLATE)


def test_points_that_coincide_are_an_error() -> None:
    with pytest.raises(ValueError, match="coincide"):
        alignment(np.zeros((5, 2)))
    with pytest.raises(ClipError, match="frame 0: the five points") as caught:
        score_clip(scorer_with(synthetic), clip(1, np.zeros((5, 2))), PHOTO[None] // 2, PHOTO[None])
    assert caught.value.status is Status.METRIC_FAILED


def test_cosine() -> None:
    a, b = np.eye(2, 4, dtype=np.float32)
    assert cosine(a, a) == 1 and cosine(a, b) == 0 and cosine(a, -a) == -1


def test_equal_frames_are_the_same_identity_and_not_embedded() -> None:
    def never(face: np.ndarray) -> np.ndarray:
        raise AssertionError("embedded an equal frame")

    truth = np.stack([PHOTO, PHOTO[::-1]])
    assert measure(scorer_with(never), truth.copy(), truth) == 1.0


def test_the_mean_over_frames_by_hand_in_any_chunks() -> None:
    truth = np.stack([PHOTO, np.roll(PHOTO, 3, axis=1), PHOTO])
    output = np.stack([255 - PHOTO, np.roll(PHOTO, 3, axis=1), PHOTO[::-1]])
    pairs = zip(output, truth, strict=True)
    expected = np.mean([cosine(*(synthetic(align(f, FACE_POINTS)) for f in pair)) for pair in pairs])
    (score,) = check_scorer(scorer_with(synthetic), (clip(3), output, truth))
    assert score.values[INFO.column] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("room", "looks"), [(3, 3 + 6), (2, 6 + 6)])
def test_the_truth_is_looked_at_once_a_run_where_there_is_room(room: int, looks: int) -> None:
    calls = 0

    def count(face: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        return synthetic(face)

    truth = np.stack([np.roll(PHOTO, shift, axis=1) for shift in range(3)])
    scorer = scorer_with(count, room)
    values = [measure(scorer, output, truth) for output in (255 - truth, 255 - truth)]
    assert values[0] == values[1] and calls == looks


def test_under_foreign_audio_the_input_takes_the_place_of_the_truth() -> None:
    assert "|against=input-same-frame|" in INPUT.signature and "|against=first-frame|" in FIRST_FRAME.signature
    assert [info.is_measured(with_truth=True) for info in (INFO, INPUT, FIRST_FRAME)] == [True, False, True]
    assert [info.is_measured(with_truth=False) for info in (INFO, INPUT, FIRST_FRAME)] == [False, True, True]
    truth = np.stack([PHOTO, np.roll(PHOTO, 3, axis=1), PHOTO])
    output = np.stack([255 - PHOTO, np.roll(PHOTO, 3, axis=1), PHOTO[::-1]])
    scorer = scorer_with(synthetic, kind=CsimInputScorer)
    (score,) = check_scorer(scorer, (clip(3), output, truth))
    assert score.values == {INPUT.column: measure(scorer_with(synthetic), output, truth)}
    assert measure(scorer, truth.copy(), truth) == 1.0


def test_against_the_first_frame_a_still_output_of_it_is_the_same_identity() -> None:
    truth = np.stack([np.roll(PHOTO, shift, axis=1) for shift in range(4)])
    moving = clip(4)
    moving.faces.landmarks[:, FIVE_POINTS, 0] += np.arange(4)[:, None]
    scorer = scorer_with(synthetic, kind=CsimFirstFrameScorer)
    still = np.repeat(truth[:1], 4, axis=0)
    assert score_clip(scorer, moving, still, truth).values == {FIRST_FRAME.column: 1.0}
    assert measure(scorer, still.copy(), still) == 1.0


def test_against_the_first_frame_by_hand_in_any_chunks() -> None:
    truth = np.stack([np.roll(PHOTO, shift, axis=1) for shift in (0, 3, 6)])
    output = np.stack([255 - PHOTO, truth[1], PHOTO])
    own = [synthetic(align(frame, FACE_POINTS)) for frame in output]
    expected = np.mean([cosine(vector, synthetic(align(PHOTO, FACE_POINTS))) for vector in own])
    (score,) = check_scorer(scorer_with(synthetic, kind=CsimFirstFrameScorer), (clip(3), output, truth))
    assert score.values[FIRST_FRAME.column] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("room", [0, 100])
def test_the_truths_own_distance_from_its_first_frame_is_its_drift(room: int) -> None:
    truth = np.stack([PHOTO, np.roll(PHOTO, 8, axis=1)])
    scorer = scorer_with(synthetic, room, CsimFirstFrameScorer)
    second = cosine(*(synthetic(align(frame, FACE_POINTS)) for frame in truth))
    assert [measure(scorer, truth.copy(), truth) for _ in range(2)] == [pytest.approx((1 + second) / 2)] * 2


@pytest.fixture
def network() -> ArcFace:
    if not asset_present(ASSET):
        pytest.skip(f"NOT CHECKED: {ASSET} is not in the cache; its licence is yours to accept (docs/metrics/csim.md)")
    return ArcFace()


def test_the_published_network_gives_its_vectors(network: ArcFace) -> None:
    """Equal to ONNX Runtime 1.32 on the same input."""
    vector = network(align(PHOTO, FACE_POINTS))
    assert vector.shape == (512,) and np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    expected = [0.0407783, -0.0218588, -0.0387854, -0.0214326, -0.0089300, -0.0100176]
    np.testing.assert_allclose(vector[:6], expected, atol=2e-5)


def test_the_published_network_knows_an_identity_under_distortion(network: ArcFace) -> None:
    truth = np.stack([PHOTO])
    blurs = [cv2.GaussianBlur(PHOTO, (0, 0), sigma)[None] for sigma in (0.7, 1.5, 3.0, 5.0)]
    values = [measure(scorer_with(network), output, truth) for output in blurs]
    assert values == sorted(values, reverse=True) and values[0] > 0.9 and values[-1] < 0.6
    painted = PHOTO.copy()
    painted[128:155, 100:155] = cv2.GaussianBlur(PHOTO, (0, 0), 4)[128:155, 100:155]
    assert 0.5 < measure(scorer_with(network), painted[None], truth) < 1


def test_weights_are_never_fetched_by_themselves(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(
        "bench_lipsync.harness.assets.fetch.fetch_file", lambda *_: pytest.fail("fetched without being asked")
    )
    with pytest.raises(AssetMissing, match=r"non-commercial research only.*bench assets fetch arcface_mbf"):
        CsimScorer()
    assert CsimScorer.describe()[0].column == "CSIM[arcface-mbf]"
    assert not list(tmp_path.iterdir())
