"""The committed open SyncNet reads what is known: the demo's offset of zero, and a real clip's published offset."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench_lipsync.harness.api.clip import Clip, PreparedClip
from bench_lipsync.harness.stages.prepare_clip import prepare_clip
from bench_lipsync.metrics.lse.scorers import OpenSyncScorer
from bench_lipsync.models.syncnet.open import WEIGHTS
from benchmarks.accuracy.lse_check import check_clips


@pytest.fixture(scope="module")
def scorer() -> OpenSyncScorer:
    return OpenSyncScorer()


def prepared(clip: Clip, folder: Path) -> PreparedClip:
    target = folder / clip.id
    target.mkdir()
    return prepare_clip(clip, target)


def test_weights_are_small_and_say_how_they_were_made() -> None:
    from safetensors import safe_open

    assert WEIGHTS.stat().st_size < 6_000_000
    with safe_open(WEIGHTS, framework="pt") as file:
        assert {"network", "config", "train", "clips", "seconds"} <= set(file.metadata())


@pytest.mark.slow
def test_demo_clip_is_in_sync(scorer: OpenSyncScorer, tmp_path: Path) -> None:
    """An identity and a sentence that it was not trained on; the offset is zero by construction."""
    from bench_lipsync.harness.datasets.demo.dataset import plans, render_clip

    clip = prepared(render_clip(plans("test")[0], tmp_path / "footage"), tmp_path)
    (check,) = check_clips(scorer, [clip])
    assert abs(check.offset) <= 1
    assert check.consistent
    assert check.confidence > 0.3


@pytest.mark.shared
@pytest.mark.slow
def test_real_clip_reads_as_published(scorer: OpenSyncScorer, shared: Path, tmp_path: Path) -> None:
    """The published network reads offset 3 in its authors' example."""
    video = shared / "media" / "wild" / "syncnet_example.avi"
    (check,) = check_clips(scorer, [prepared(Clip("example", "x", video, end=4.0), tmp_path)])
    assert abs(check.offset - 3) <= 1
    assert check.consistent
