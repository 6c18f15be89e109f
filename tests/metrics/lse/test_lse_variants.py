"""`gt-box`, `whole-frame` and `pipeline`: asked for by name, signed apart, and each what it says it is."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from check_scorer import check_scorer, score_clip

from bench_lipsync.harness.api.metric import ClipScore, Scorer
from bench_lipsync.harness.assets.lookup import AssetMissing
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.harness.scoring.scorers import load_scorers
from bench_lipsync.metrics.lse.crop import crop_face
from bench_lipsync.metrics.lse.formulas import read_sync, window_count
from bench_lipsync.metrics.lse.pipeline import PipelineScorer
from bench_lipsync.metrics.lse.scorers import SyncNetScorer, WholeFrameScorer
from bench_lipsync.metrics.lse.tracks import find_tracks
from bench_lipsync.models.syncnet.published.network import SyncNet

SIZE = 256


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published layers with random weights: the numbers mean nothing, how they come about does."""
    path = tmp_path_factory.mktemp("weights") / "random.model"
    torch.manual_seed(0)
    torch.save(SyncNet().state_dict(), path)
    return path


class StandIn:
    """Returns made-up boxes frame by frame; its tag keeps its numbers out of the published column."""

    tag = "stand-in@000000"

    def __init__(self, boxes: list[np.ndarray]) -> None:
        self.boxes = iter(boxes)

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        return next(self.boxes)


def footage(frames: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(3)
    base = cv2.resize(draw.integers(0, 255, (9, 9, 3), np.uint8), (SIZE, SIZE)).astype(np.int16)
    video = np.clip(base + draw.integers(-9, 9, (frames, 1, 1, 3)), 0, 255).astype(np.uint8)
    return video, (draw.standard_normal(frames * 640) * 3000).astype(np.int16)


def run(scorer: Scorer, frames: int, cuts: tuple[int, ...] = (32, 64)) -> ClipScore:
    video, audio = footage(frames)
    return score_clip(scorer, SimpleNamespace(), video, None, audio, cuts=cuts)


def read_by_hand(scorer: WholeFrameScorer | PipelineScorer, crops: np.ndarray, audio: np.ndarray) -> tuple[float, ...]:
    windows = window_count(len(crops), len(audio))
    stream = scorer.stream()
    stream.push(crops)
    reading = read_sync(stream.finish()[:windows], scorer.embed_audio(audio, windows))
    return reading.confidence, reading.distance, float(reading.offset)


def test_signatures_and_columns_differ() -> None:
    infos = [info for kind in (SyncNetScorer, WholeFrameScorer, PipelineScorer) for info in kind.describe()]
    assert len({info.signature for info in infos}) == len(infos) == 10
    assert {info.column for info in infos} == {
        f"{name}[{variant}]"
        for name in ("LSE-C", "LSE-D", "AV-offset")
        for variant in ("syncnet_v2", "whole-frame", "pipeline")
    } | {"LSE-tracks[pipeline]"}
    assert WholeFrameScorer.describe()[0].signature == (
        "LSE-C|net=syncnet_v2@961e86|crop=whole-frame|fps=25|vshift=15|pool=clip-mean|v1"
    )
    assert PipelineScorer.describe()[1].signature == (
        "LSE-D|net=syncnet_v2@961e86|crop=pipeline|det=s3fd@d54a87|scale=0.25|mintrack=100|minface=100|scenes=hsv27"
        "|tracks=mean|fps=25|vshift=15|pool=clip-mean|v1"
    )


def missing(name: str) -> Path:
    raise AssetMissing(f"{name} is not here; `bench assets add {name} FILE`")


def test_every_variant_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench_lipsync.harness.assets.lookup.asset_path", missing)

    def columns(*asked: str) -> set[str]:
        found = load_scorers(asked, "cpu")
        return {info.column for group in (*found.loaded, *found.unavailable) for info in group.wanted}

    assert columns("LSE-C") == {"LSE-C[syncnet_v2]", "LSE-C[open-syncnet]"} == columns("lse-c[GT-box]")
    assert columns("LSE-C[open-syncnet]") == {"LSE-C[open-syncnet]"}
    assert columns("lse-d[whole-frame]") == {"LSE-D[whole-frame]"}
    assert columns("AV-offset[pipeline]", "LSE-tracks") == {"AV-offset[pipeline]", "LSE-tracks[pipeline]"}
    assert columns("LSE-C[whole-frame]", "LSE-D[syncnet_v2]") == {"LSE-C[whole-frame]", "LSE-D[syncnet_v2]"}
    with pytest.raises(BenchError, match=r"did you mean LSE-C\[whole-frame\]"):
        load_scorers(["LSE-C[whole-fram]"], "cpu")


def test_missing_weights_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench_lipsync.harness.assets.lookup.asset_path", missing)
    found = load_scorers(["LSE-C[pipeline]", "LSE-C[whole-frame]"], "cpu")
    reasons = {group.name: group.details for group in found.unavailable}
    assert found.loaded == ()
    for name in ("s3fd", "syncnet_v2"):
        assert f"bench assets add {name}" in reasons["lse-pipeline"], "both at once"
    assert "bench assets add syncnet_v2" in reasons["lse-whole-frame"]


def test_whole_frame_squashes_the_picture(weights: Path) -> None:
    scorer = WholeFrameScorer(weights=weights)
    video, audio = footage(30)
    case = (SimpleNamespace(), video, None, audio)
    (score,) = check_scorer(scorer, case, track=False, frames_checked=False, too_few=Status.TOO_SHORT)
    crops = np.stack([cv2.resize(frame[..., ::-1], (224, 224)) for frame in video])
    assert tuple(score.values.values()) == read_by_hand(scorer, crops, audio)


@pytest.fixture
def short_tracks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracks of more than 20 frames instead of 100, for the sake of time; the limit itself is tested elsewhere."""
    monkeypatch.setattr("bench_lipsync.metrics.lse.pipeline.find_tracks", partial(find_tracks, min_track=20))


def test_pipeline_reads_every_track_in_its_own_box(weights: Path, short_tracks: None) -> None:
    """A face for 25 frames, then nobody for 30, then another face elsewhere for 22."""
    here, there = np.array([[60.0, 50, 180, 170, 1]]), np.array([[90.0, 80, 200, 200, 1]])
    boxes = [here] * 25 + [np.empty((0, 5))] * 30 + [there] * 22
    scorer = PipelineScorer(weights=weights, detector=StandIn(boxes))
    score = run(scorer, 77)
    video, audio = footage(77)
    readings = []
    for first, end, (x, y, half) in ((0, 25, (120, 110, 60)), (55, 77, (145, 140, 60))):
        # The median filter pads with zeros, which leaves a box that stands still as it is.
        crops = np.stack([crop_face(frame, np.array([x, y, half], float)) for frame in video[first:end]])
        readings.append(read_by_hand(scorer, crops, audio[first * 640 : end * 640]))
    assert score.values["LSE-tracks[pipeline]"] == 2
    assert score.values["LSE-C[pipeline]"] == pytest.approx((readings[0][0] + readings[1][0]) / 2)
    assert score.values["LSE-D[pipeline]"] == pytest.approx((readings[0][1] + readings[1][1]) / 2)
    assert score.values["AV-offset[pipeline]"] == readings[0][2], "the longer track's"
    curve = score.per_frame["LSE-C[pipeline]"]
    assert np.flatnonzero(np.isnan(curve)).tolist() == list(range(25, 55))


def test_pipeline_does_not_depend_on_chunks_and_signs_with_its_detector(weights: Path, short_tracks: None) -> None:
    boxes = [np.array([[60.0 + i % 4, 50, 180 + i % 4, 170, 1]]) for i in range(23)]
    values = [run(PipelineScorer(weights=weights, detector=StandIn(boxes)), 23, cuts).values for cuts in ((), (9, 18))]
    assert values[0] == values[1]
    infos = PipelineScorer(weights=weights, detector=StandIn([])).metrics
    assert all("|det=stand-in@000000|" in info.signature and "s3fd" not in info.signature for info in infos)


def test_pipeline_without_a_track_is_a_typed_failure(weights: Path) -> None:
    with pytest.raises(ClipError, match="no face") as caught:
        run(PipelineScorer(weights=weights, detector=StandIn([np.empty((0, 5))] * 40)), 40)
    assert caught.value.status is Status.NO_FACE
