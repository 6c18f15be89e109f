"""On real footage: sound shifted by k frames moves the reading by k, and the published anchor where its weights are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench_lipsync.harness.api.clip import SAMPLES_PER_FRAME, Clip
from bench_lipsync.harness.assets.lookup import asset_present
from bench_lipsync.harness.media import decode_audio, decode_video
from bench_lipsync.harness.stages.prepare_clip import prepare_clip
from bench_lipsync.metrics.lse.scorers import OpenSyncScorer, WholeFrameScorer

SHIFTS = (-6, -3, 4, 8)
CLIPS = ("hdtf/WDA_AlexandriaOcasioCortez_000.mp4", "wild/syncnet_example.avi", "wild/dfrf_cnn2_25fps.mp4")


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("name", CLIPS)
def test_shifted_sound_moves_the_offset_by_as_much(shared: Path, tmp_path: Path, name: str) -> None:
    clip = prepare_clip(Clip("clip", "someone", shared / "media" / name, end=5.0), tmp_path)
    scorer = OpenSyncScorer()
    scoring = scorer.open(clip)
    for frames in clip.read_frames():
        scoring.update(frames, frames)
    offset, confidence = "AV-offset[open-syncnet]", "LSE-C[open-syncnet]"
    plain = scoring.compute(clip.audio()).values
    for shift in SHIFTS:
        # Sound that starts `shift` frames earlier; a positive offset says that it comes too early.
        moved = scoring.compute(np.roll(clip.audio(), -shift * SAMPLES_PER_FRAME)).values
        assert moved[offset] - plain[offset] == pytest.approx(shift, abs=1)
    backwards = scoring.compute(np.ascontiguousarray(clip.audio()[::-1])).values
    assert backwards[confidence] < plain[confidence]


@pytest.mark.shared
def test_published_example_reads_as_published(shared: Path) -> None:
    """Offset 3, distance 5.353, confidence 10.021: what `demo_syncnet.py` prints for its own example (JPEG frames)."""
    if not asset_present("syncnet_v2"):
        pytest.skip("NOT CHECKED: syncnet_v2 is not in the cache (`bench assets fetch syncnet_v2`, or add your copy)")
    video = shared / "media" / "wild" / "syncnet_example.avi"
    scoring = WholeFrameScorer().open(SimpleNamespace())  # type: ignore[arg-type]
    for frames in decode_video(video):
        scoring.update(frames, frames)
    values = scoring.compute(decode_audio(video)).values
    assert values["AV-offset[whole-frame]"] == 3
    assert values["LSE-D[whole-frame]"] == pytest.approx(5.353, abs=0.15)
    assert values["LSE-C[whole-frame]"] == pytest.approx(10.021, abs=0.3)
