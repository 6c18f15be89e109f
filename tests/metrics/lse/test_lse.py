"""Both LSE scorers: signatures, chunk independence, missing weights, and what they make of clips that are too short."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from check_scorer import check_scorer, score_clip

from bench_lipsync.harness.assets.lookup import AssetMissing
from bench_lipsync.harness.errors import BenchError, ClipError, Status
from bench_lipsync.metrics.lse.scorers import OpenSyncScorer, SyncNetScorer
from bench_lipsync.models.syncnet.open.network import OpenSyncNet, save_open_syncnet
from bench_lipsync.models.syncnet.published.network import SyncNet


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> SyncNetScorer:
    """The published layers with random weights: enough for everything but the numbers (those are golden elsewhere)."""
    path = tmp_path_factory.mktemp("weights") / "random.model"
    torch.manual_seed(0)
    torch.save(SyncNet().state_dict(), path)
    return SyncNetScorer(weights=path)


@pytest.fixture(scope="module")
def open_scorer(tmp_path_factory: pytest.TempPathFactory) -> OpenSyncScorer:
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    torch.manual_seed(0)
    save_open_syncnet(OpenSyncNet(), path, {})
    return OpenSyncScorer(weights=path)


def fake_clip(frames: int, size: int = 64) -> SimpleNamespace:
    """A face track that stays put: mouth, eyes, nose, chin and outline where a frontal face has them."""
    landmarks = np.full((frames, 478, 3), size / 2, np.float32)
    places = {33: (0.3, 0.4), 263: (0.7, 0.4), 1: (0.5, 0.55), 152: (0.5, 0.9), 151: (0.5, 0.2), 234: (0.2, 0.5)}
    places |= {454: (0.8, 0.5), 13: (0.5, 0.7), 14: (0.5, 0.72), 61: (0.4, 0.71), 291: (0.6, 0.71)}
    for index, place in places.items():
        landmarks[:, index, :2] = np.array(place) * size
    return SimpleNamespace(faces=SimpleNamespace(landmarks=landmarks))


def footage(frames: int, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(1)
    video = draw.integers(0, 255, (frames, size, size, 3), np.uint8)
    return video, (draw.standard_normal(frames * 640) * 3000).astype(np.int16)


def case(frames: int) -> tuple[object, np.ndarray, None, np.ndarray]:
    video, audio = footage(frames)
    return fake_clip(frames), video, None, audio


@pytest.mark.parametrize("name", ["published", "open_scorer"])
def test_chunks_do_not_matter(name: str, request: pytest.FixtureRequest) -> None:
    scorer = request.getfixturevalue(name)
    (score,) = check_scorer(scorer, case(33), frames_checked=False, too_few=Status.TOO_SHORT)
    assert set(score.values) == {info.column for info in scorer.metrics}


@pytest.mark.parametrize(("name", "frames"), [("published", 5), ("open_scorer", 24)])
def test_too_short(name: str, frames: int, request: pytest.FixtureRequest) -> None:
    with pytest.raises(ClipError) as caught:
        score_clip(request.getfixturevalue(name), *case(frames))
    assert caught.value.status is Status.TOO_SHORT


def test_signatures_name_the_weights(published: SyncNetScorer, open_scorer: OpenSyncScorer) -> None:
    real = SyncNetScorer.describe()[0].signature
    assert real == "LSE-C|net=syncnet_v2@961e86|crop=gt-box|fps=25|vshift=15|pool=clip-mean|v1"
    signatures = {info.signature for scorer in (published, open_scorer) for info in scorer.metrics}
    assert len(signatures) == 6
    assert real not in signatures, "other weights must not carry the published signature"
    assert [info.column for info in open_scorer.metrics] == [
        "LSE-C[open-syncnet]",
        "LSE-D[open-syncnet]",
        "AV-offset[open-syncnet]",
    ]


def test_missing_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Path:
        raise AssetMissing(f"{name} is not here; `bench assets add {name} FILE`")

    monkeypatch.setattr("bench_lipsync.harness.assets.lookup.asset_path", missing)
    with pytest.raises(AssetMissing, match="bench assets add syncnet_v2"):
        SyncNetScorer()
    with pytest.raises(BenchError, match="bench train syncnet"):
        OpenSyncScorer(weights=tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"nonsense")
    with pytest.raises(BenchError, match=r"bad.safetensors is no safetensors file: its header claims"):
        OpenSyncScorer(weights=tmp_path / "bad.safetensors")
