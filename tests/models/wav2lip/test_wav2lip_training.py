"""Training Wav2Lip: it learns, what a step does follows from its number, and a resumed run is the same run."""

from __future__ import annotations

import csv
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_wav2lip_model import SIZE, SyntheticClip, sound

from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.training.settings import make_settings
from bench_lipsync.models.wav2lip.checkpoint import load_wav2lip
from bench_lipsync.models.wav2lip.training.data import load_data
from bench_lipsync.models.wav2lip.training.settings import PRESETS, Wav2LipSettings
from bench_lipsync.models.wav2lip.training.train import run
from bench_lipsync.models.wav2lip.training.trainer import Wav2LipTrainer, draw

TINY = {"divide": 16, "batch": 2, "steps": 6, "save_every": 3, "sheet_every": 3, "sync_weight": 0.0, "cosine": False}
CHANGING = {**TINY, "spread": True, "sync_start": 4}
"""Changes its ways between the checkpoint of step 3 and the end."""


def demo(changes: dict[str, object]) -> Wav2LipSettings:
    return make_settings(PRESETS, "demo", changes)


class SpokenClip(SyntheticClip):
    """A synthetic clip with sound."""

    def audio(self) -> np.ndarray:
        return sound(len(self.id), self.frames)

    @property
    def content_hash(self) -> str:
        return self.id


@pytest.fixture
def clips() -> list[SpokenClip]:
    meta = {"frames": 24, "size": SIZE}
    return [SpokenClip(name, name[0], Path("nowhere"), meta) for name in ("a1", "a22", "b1", "c1")]


def test_crops_sound_and_mouths_of_all_frames_are_laid_down_once(clips: list[SpokenClip], tmp_path: Path) -> None:
    data = load_data(clips, tmp_path)
    assert (data.faces.shape, data.mel.shape, data.mouth.shape) == ((96, 96, 96, 3), (96, 1, 80, 16), (96, 3))
    assert [len(group) for group in data.by_identity] == [2, 1, 1]
    before = sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*"))
    load_data(clips, tmp_path)
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*")) == before


def test_a_batch_follows_from_its_step(clips: list[SpokenClip], tmp_path: Path) -> None:
    data, settings = load_data(clips, tmp_path), Wav2LipSettings.model_validate(TINY)
    one, same, next_one = (draw(data, settings, step) for step in (4, 4, 5))
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not torch.equal(one.faces, next_one.faces)
    assert one.faces.shape == one.reference.shape == (2, 5, 3, 96, 96)


def test_before_synchrony_every_picture_may_be_of_another_clip(clips: list[SpokenClip], tmp_path: Path) -> None:
    data, settings = load_data(clips, tmp_path), Wav2LipSettings.model_validate(CHANGING)
    before, after = (draw(data, settings, step).mel for step in (3, 4))
    assert (before.shape[:2], after.shape[:2]) == ((10, 1), (2, 5))


def test_norms_keep_their_statistics_once_a_batch_shows_few_people(clips: list[SpokenClip], tmp_path: Path) -> None:
    trainer = Wav2LipTrainer(Wav2LipSettings.model_validate(CHANGING), load_data(clips, tmp_path))
    states = []
    for _ in range(6):
        trainer.step()
        states.append(trainer.net.output_block[0].conv_block[1].running_mean.clone())
    moved = [not torch.equal(a, b) for a, b in itertools.pairwise(states)]
    assert moved == [True, True, True, False, False]


def test_it_learns_a_still(clips: list[SpokenClip], tmp_path: Path) -> None:
    still = np.full((24, 96, 96, 3), 230, np.uint8)
    data = replace(load_data(clips[:1], tmp_path), faces=still)
    trainer = Wav2LipTrainer(Wav2LipSettings.model_validate({**TINY, "lr": 1e-2}), data)
    losses = [float(trainer.step().l1) for _ in range(25)]
    assert losses[-1] < 0.9 * losses[0]


def test_synchrony_is_judged_from_its_step_on_and_reaches_the_network(clips: list[SpokenClip], tmp_path: Path) -> None:
    settings = Wav2LipSettings.model_validate({**TINY, "sync_weight": 0.5, "sync_start": 1})
    trainer = Wav2LipTrainer(settings, load_data(clips, tmp_path))
    first, second = trainer.step(), trainer.step()
    assert float(first.sync) == 0 < float(second.sync)
    assert float(second.total) == pytest.approx(0.5 * float(second.l1) + 0.5 * float(second.sync), rel=1e-5)


def test_a_run_that_was_interrupted_ends_with_the_same_weights_and_curve(
    clips: list[SpokenClip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench_lipsync.models.wav2lip.training.train.LOG_EVERY", 1)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(clips, whole, demo(CHANGING), trained_on="noise")
    run(clips, parts, demo({**CHANGING, "steps": 3}), trained_on="noise")
    run(clips, parts, demo(CHANGING), trained_on="noise")
    assert (whole / "wav2lip.safetensors").read_bytes() == (parts / "wav2lip.safetensors").read_bytes()
    rows = [[row[:-1] for row in csv.reader((folder / "log.csv").open())] for folder in (whole, parts)]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 7
    assert load_wav2lip(whole / "wav2lip.safetensors").trained_on == "noise"
    assert (whole / "sheets" / "000006.png").is_file()


def test_other_settings_do_not_go_on(clips: list[SpokenClip], tmp_path: Path) -> None:
    run(clips, tmp_path, demo({**TINY, "steps": 1}))
    with pytest.raises(BenchError, match=r"made with lr \S+, not \S+;"):
        run(clips, tmp_path, demo({**TINY, "lr": 0.5}))


@pytest.mark.parametrize(("preset", "changes"), [("huge", {}), ("demo", {"frames": 4}), ("demo", {"sync_weight": 2.0})])
def test_recipes_that_do_not_exist_are_refused(preset: str, changes: dict[str, object]) -> None:
    with pytest.raises(BenchError, match="recipe"):
        make_settings(PRESETS, preset, changes)
