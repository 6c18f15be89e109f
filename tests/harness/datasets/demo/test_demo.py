"""The demo dataset: what it lists, that it repeats byte for byte, and that MediaPipe agrees with what was intended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench_lipsync.harness.api.clip import Clip
from bench_lipsync.harness.api.dataset import ClipRequest
from bench_lipsync.harness.datasets.demo.dataset import DemoDataset, render_clip
from bench_lipsync.harness.datasets.demo.plan import YAW_REACH, adaptation_plans, generator_version, plans
from bench_lipsync.harness.datasets.demo.portraits import SPLITS, load_portrait, portrait_names, sentences
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.harness.media import probe, read_lossless, read_wav


def test_splits_share_no_identity_portrait_or_sentence() -> None:
    for values in (
        [{plan.identity for plan in plans(split)} for split in SPLITS],
        [{plan.sentence.lower() for plan in plans(split)} for split in SPLITS],
        [{sentence.lower() for sentence in sentences(split)} for split in SPLITS],
        [{load_portrait(name).still.tobytes() for name in portrait_names(split)} for split in SPLITS],
    ):
        assert sum(len(part) for part in values) == len(set.union(*values))


def test_numbers_of_people_and_clips() -> None:
    people = {split: len(portrait_names(split)) for split in SPLITS}
    assert people == {"train": 48, "val": 4, "test": 8}
    assert len({plan.identity for plan in plans("test")}) == len(plans("test")) == 8
    train = plans("train")
    assert len(train) == len({plan.id for plan in train}) == 240
    # Nobody says the same sentence twice, and no sentence is left out.
    assert len({(plan.identity, plan.sentence) for plan in train}) == 240
    assert {plan.sentence for plan in train} == set(sentences("train"))


def test_a_take_is_the_same_clip_however_many_are_asked_for() -> None:
    many = {plan.id: plan for plan in plans("train", 8)}
    assert all(many[plan.id] == plan for plan in plans("train"))
    assert len({(plan.identity, plan.sentence) for plan in many.values()}) == len(many)


def test_footage_for_adaptation_shows_the_test_people_saying_other_things() -> None:
    kept, scored = adaptation_plans(), plans("test")
    assert [plan.identity for plan in kept] == [plan.identity for plan in scored]
    assert [(plan.voice, plan.portrait) for plan in kept] == [(plan.voice, plan.portrait) for plan in scored]
    assert not any(said.sentence in plan.sentence for plan in kept for said in scored)
    listed = {plan.id for split in SPLITS for plan in plans(split)}
    assert len({plan.id for plan in kept} - listed) == 8


def test_stills_have_closed_lips_and_are_small() -> None:
    for split in SPLITS:
        for name in portrait_names(split):
            portrait = load_portrait(name)
            points = portrait.landmarks
            assert portrait.still.shape == (384, 384, 3)
            assert points.shape == (478, 3)
            assert abs(points[14, 1] - points[13, 1]) < 0.012 * (points[152, 1] - points[10, 1])
    folder = Path(sys.modules["bench_lipsync.harness.datasets.demo.portraits"].__file__ or "").parent / "data"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2_500_000


def test_unknown_split_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BenchError, match="auto, all, train, val, test"):
        DemoDataset().clips(ClipRequest(split="dev"))


RENDER = """
import sys
from pathlib import Path
from bench_lipsync.harness.datasets.demo.dataset import render_clip
from bench_lipsync.harness.datasets.demo.plan import plans
render_clip(plans("val")[1], Path(sys.argv[1]))
"""


def test_same_bytes_in_another_process(tmp_path: Path) -> None:
    plan = plans("val")[1]
    render_clip(plan, tmp_path / "here")
    there = tmp_path / "there"
    command = [sys.executable, "-c", RENDER, str(there)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "7"})  # noqa: S603
    names = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert names == sorted(path.name for path in there.iterdir())
    assert [name.rpartition(".")[2] for name in names] == ["json", "mkv", "wav"]
    for name in names:
        assert (tmp_path / "here" / name).read_bytes() == (there / name).read_bytes(), name


def test_interrupted_rendering_leaves_no_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("bench_lipsync.harness.datasets.demo.render.render_frames", stop)
        with pytest.raises(KeyboardInterrupt):
            render_clip(plans("val")[0], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        first = DemoDataset().clips(ClipRequest())
        assert first.split == "test"
        stamps = [clip.video.stat().st_mtime_ns for clip in first.clips]
        second = DemoDataset().clips(ClipRequest(split="test"))
        assert second.clips == first.clips
        assert [clip.video.stat().st_mtime_ns for clip in second.clips] == stamps, "rendered once"
    return first.clips


@pytest.mark.slow
def test_clips_are_well_formed(rendered: tuple[Clip, ...]) -> None:
    assert [clip.id for clip in rendered] == [f"demo_test_{number:02d}_0" for number in range(8)]
    for clip in rendered:
        assert generator_version() in clip.video.parts
        info = probe(clip.video)
        assert info.video is not None
        assert clip.audio is not None
        truth = json.loads(clip.video.with_suffix(".json").read_text(encoding="utf-8"))
        frames = sum(len(chunk) for chunk in read_lossless(clip.video))
        assert frames == truth["frames"]
        assert len(read_wav(clip.audio)) == frames * 640
        assert all(len(curve) == frames for curve in truth["curves"].values())


def measure(clip: Clip) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lip opening over face height, and yaw in degrees, of every frame."""
    from bench_lipsync.harness.faces.landmarker import Landmarker

    opening, yaw = [], []
    with Landmarker() as landmarker:
        for chunk in read_lossless(clip.video):
            for frame in chunk:
                (face,) = landmarker.faces(frame)
                points, pose = face.landmarks, face.pose
                opening.append((points[14, 1] - points[13, 1]) / np.linalg.norm(points[10] - points[152]))
                yaw.append(np.degrees(np.arctan2(-pose[2, 0], np.hypot(pose[0, 0], pose[1, 0]))))
    return np.array(opening), np.array(yaw)


@pytest.mark.slow
def test_mediapipe_sees_what_was_intended(rendered: tuple[Clip, ...]) -> None:
    """A face in every frame, lips that follow the phonemes with no lag, closed bilabials, the intended head turns."""
    reach = []
    for clip in rendered:
        truth = json.loads(clip.video.with_suffix(".json").read_text(encoding="utf-8"))
        intended, turned = np.array(truth["curves"]["opening"]), np.array(truth["curves"]["yaw"])
        opening, yaw = measure(clip)
        assert np.corrcoef(opening, intended)[0, 1] >= 0.8, clip.id
        shifts = range(-6, 7)
        inner = slice(6, len(opening) - 6)
        by_shift = [np.corrcoef(np.roll(opening, -shift)[inner], intended[inner])[0, 1] for shift in shifts]
        assert shifts[int(np.argmax(by_shift))] == truth["av_offset"] == 0, clip.id
        assert opening[np.array(truth["curves"]["press"]) > 0.98].max() < 0.02, clip.id
        assert np.abs(yaw - turned).mean() < 4, clip.id
        reach.append(np.abs(yaw).max())
    assert max(YAW_REACH) == 30
    assert max(reach) > 27
